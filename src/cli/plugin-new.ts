import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, wordsOf } from '../host/errors.ts';
import { CliError, usageError } from './cli-error.ts';
import { executableFiles, moduleFiles, type SkeletonFile } from './plugin-skeletons.ts';

interface Wish {
  readonly name: string;
  /** Where the plugin's folder is to be. */
  readonly dir: string;
  readonly isExecutable: boolean;
}

/** What hob takes as the name of a plugin; a folder with such an ending would lose it. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const badEnding = /\.(?:mjs|js|ts)$/;

/**
 * Make the folder of a new plugin.
 * @returns its path, and those of the files in it
 * @throws CliError for a name that no plugin can have, and where something of that name is already
 */
export function makeSkeleton({ name, dir, isExecutable }: Wish): { folder: string; files: string[] } {
  if (!namePattern.test(name) || badEnding.test(name))
    throw usageError(
      'plugin',
      `${JSON.stringify(name)} is no name for a plugin: 1 to 128 letters, digits, ".", "_" or "-", beginning with a letter or digit, without .mjs, .js or .ts at its end`,
    );
  const folder = join(dir, name);
  makeFolder(folder);
  const files = isExecutable ? executableFiles(name) : moduleFiles(name);
  return { folder, files: files.map((file) => writeFile(folder, file)) };
}

/** hob refuses plugins that others can write to, so modes are not left to the umask. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw new CliError(`${folder} is there already; nothing was changed`);
    throw new CliError(`${folder} cannot be made: ${wordsOf(error)}`, undefined, { cause: error });
  }
}

function writeFile(folder: string, { path, text, mode }: SkeletonFile): string {
  const file = join(folder, path);
  writeFileSync(file, text, { mode, flag: 'wx' });
  return file;
}
