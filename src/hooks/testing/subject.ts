import { statSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getCallSites } from 'node:util';
import { folderCandidate, moduleEnding } from '../registry/candidates.ts';

const ownFolder = `${dirname(import.meta.dirname)}/`;

/** The executable at a path: it, or what hob would take of a folder. Rejects with words when that is none. */
export async function programAt(path: string): Promise<string> {
  const main = isFolder(path) ? await mainIn(path) : path;
  if (moduleEnding.test(main)) throw new Error(`${main} is a module: import it, and hand over its default export`);
  return main;
}

async function mainIn(folder: string): Promise<string> {
  const { main, fault } = await folderCandidate(folder);
  if (fault !== undefined) throw new Error(fault);
  return main;
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** The file of the test that has called, which stands for that of a module: nobody can tell where an object came from. */
export function callingFile(): string {
  const files = getCallSites().map(({ scriptName }) => fileOf(scriptName));
  return files.find((file) => isAbsolute(file) && !file.startsWith(ownFolder)) ?? resolve('index.js');
}

const fileOf = (script: string): string => (script.startsWith('file:') ? fileURLToPath(script) : script);
