import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where crun is.
 * @param name a path, or what to look for in PATH
 * @throws Error with the cure
 */
export function findCrun(name: string, path = process.env['PATH'] ?? ''): string {
  const places = name.includes('/') ? [name] : path.split(':').map((directory) => join(directory, name));
  const found = places.find(isExecutable);
  if (found !== undefined) return found;
  const where = name.includes('/') ? `at ${name}` : `called ${name} in PATH (${path})`;
  throw new Error(
    `crun is not installed: there is no program ${where}; apt-get, dnf, apk and others install it as "crun"`,
  );
}

/** As findCrun, to be asked again and again: crun may be installed, moved or removed while hob runs. */
export function crunFinder(name: string): () => string {
  let found: string | undefined;
  return () => (found = found !== undefined && isExecutable(found) ? found : findCrun(name));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
