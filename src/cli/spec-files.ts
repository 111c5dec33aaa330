import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import { isHidden, isSpecName } from '../sources/directory/names.ts';
import { CliError } from './cli-error.ts';

/** A text of specs and where it came from, as people named it. */
export interface SpecFile {
  readonly origin: string;
  readonly text: Buffer;
}

/** More than hob takes. */
const largest = 2 * 1024 * 1024;

/**
 * What is to be read for the paths of a command line: files as they are, folders with all the specs beneath them, as hob
 * reads a folder, `-` is standard input.
 * @throws CliError for what cannot be read, and for a folder without specs
 */
export function readSpecFiles(paths: readonly string[]): SpecFile[] {
  return paths.flatMap((path) => {
    if (path === '-') return [read(path, 0)];
    const files = specFilesIn(path);
    if (files.length === 0) throw new CliError(`there are no specs (*.yaml, *.yml, *.json) in ${path}`);
    return files.map((file) => read(file, file));
  });
}

function specFilesIn(path: string): string[] {
  if (!isDirectory(path)) return [path];
  const entries = readdirSync(path, { withFileTypes: true }).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const inside = join(path, entry.name);
    if (isHidden(entry.name)) return [];
    if (isDirectory(inside)) return specFilesIn(inside);
    return isSpecName(entry.name) ? [inside] : [];
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function read(origin: string, from: string | 0): SpecFile {
  try {
    const text = readFileSync(from);
    if (text.length <= largest) return { origin, text };
  } catch (error) {
    throw new CliError(`cannot read ${origin}: ${wordsOf(error)}`, undefined, { cause: error });
  }
  throw new CliError(`${origin} is larger than ${largest / 1024 / 1024} MiB`);
}
