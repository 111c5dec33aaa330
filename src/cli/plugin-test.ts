import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import { CliError } from './cli-error.ts';

/** Makes the names that hob offers to plugins known to whatever is loaded after it. */
const offeredNames = new URL('../hooks/offered-names.ts', import.meta.url);

/**
 * Run the tests of a plugin with Node's own test runner.
 * @param path a folder, with all that is beneath it, or one file
 * @returns the exit code: that of the test runner
 * @throws CliError when there are no tests
 */
export function testPlugins(path: string): number {
  const argv = ['--disable-warning=ExperimentalWarning', '--import', offeredNames.href, '--test', ...testFiles(path)];
  const { status, signal, error } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
  if (error) throw new CliError(`the tests could not be started: ${error.message}`, undefined, { cause: error });
  return signal === null ? (status ?? 1) : 128 + constants.signals[signal];
}

function testFiles(path: string): string[] {
  if (!isFolder(path)) return [testFile(path)];
  const found = globSync('**/*.test.{mjs,js,ts}', { cwd: path, exclude: ['**/node_modules/**'] });
  if (found.length > 0) return found.toSorted().map((file) => resolve(path, file));
  throw new CliError(`no tests in ${resolve(path)}: there is no file NAME.test.mjs, .js or .ts`);
}

/** Node would run any other file as well, and call it a test that passed. */
function testFile(path: string): string {
  if (/\.test\.(?:mjs|js|ts)$/.test(path)) return resolve(path);
  throw new CliError(`${path} is no test: tests are files NAME.test.mjs, .js or .ts; or name the folder they are in`);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${wordsOf(error)}`, undefined, { cause: error });
  }
}
