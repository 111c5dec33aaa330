import { statSync } from 'node:fs';
import { join } from 'node:path';
import { moduleEnding } from './candidates.ts';

/**
 * Why a file that has the name of a plugin is none: it is no module, nobody may execute it, and it does not begin as a script, so that it
 * may as well be a README. @returns undefined when there is no such file in the plugin folders
 */
export function strayFile(folders: readonly string[], name: string): string | undefined {
  if (name.includes('/') || moduleEnding.test(name)) return undefined;
  const path = folders.map((folder) => join(folder, name)).find(isPlainFile);
  return path && `${path} is neither a module (.mjs, .js, .ts) nor executable; if it is a program: chmod +x ${path}`;
}

function isPlainFile(path: string): boolean {
  try {
    const stats = statSync(path);
    return stats.isFile() && (stats.mode & 0o111) === 0;
  } catch {
    return false;
  }
}
