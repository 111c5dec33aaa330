import type { BigIntStats } from 'node:fs';
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprintOf } from './fingerprint.ts';

/** Something in a plugin folder that looks like a plugin, or like an attempt at one. */
export interface Candidate {
  /** The file or folder in the plugin folder. */
  readonly path: string;
  /** Its name before it has told it. */
  readonly label: string;
  readonly kind: 'module' | 'executable';
  /** The file to import or to execute. */
  readonly main: string;
  /** Differs between two states of its files. */
  readonly version: string;
  /** Folders in which a change changes it. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Why it cannot be a plugin. */
  readonly fault?: string;
}

const moduleName = /\.(?:mjs|js|ts)$/;
const notPlugins = /^\.|~$|\.d\.ts$|\.test\.(?:mjs|js|ts)$/;
const indexNames = ['index.mjs', 'index.js', 'index.ts'];

/** The candidates of the plugin folders, in the order in which they win a name: by folder, then by file name. */
export async function findCandidates(folders: readonly string[]): Promise<Candidate[]> {
  const lists = await Promise.all(folders.map((folder) => candidatesIn(folder, folders)));
  return lists.flat();
}

async function candidatesIn(folder: string, folders: readonly string[]): Promise<Candidate[]> {
  const names = (await readdir(folder).catch((): string[] => [])).toSorted();
  const paths = names.filter((name) => !notPlugins.test(name)).map((name) => join(folder, name));
  const found = await Promise.all(
    paths.filter((path) => !folders.includes(path)).map((path) => candidateAt(path).catch(() => undefined)),
  );
  return found.filter((candidate) => candidate !== undefined);
}

/** Rejects when it vanishes meanwhile. */
async function candidateAt(path: string): Promise<Candidate | undefined> {
  const stats = await stat(path, { bigint: true });
  if (stats.isDirectory()) return folderCandidate(path);
  return stats.isFile() ? fileCandidate(path, stats) : undefined;
}

async function fileCandidate(path: string, stats: BigIntStats): Promise<Candidate | undefined> {
  const file = { path, main: path, label: labelOf(path), ...(await fingerprintOf(path)) };
  if (moduleName.test(path)) return { ...file, kind: 'module' };
  if (isExecutable(stats)) return { ...file, kind: 'executable' };
  // A README is no plugin; a script somebody forgot to make executable is one.
  if (!(await startsAsScript(path))) return undefined;
  return { ...file, kind: 'executable', fault: `it is a script, but not executable; cure: chmod +x ${path}` };
}

async function folderCandidate(path: string): Promise<Candidate> {
  const folder = { path, label: labelOf(path), ...(await fingerprintOf(path)) };
  const module = (await mainOfPackage(path)) ?? (await firstFile(path, indexNames));
  if (module !== undefined) return { ...folder, kind: 'module', main: module };
  const program = await firstFile(path, [folder.label]);
  if (program !== undefined && isExecutable(await stat(program, { bigint: true })))
    return { ...folder, kind: 'executable', main: program };
  const fault = `the folder has no package.json with "main", no ${indexNames.join(', ')}, and no executable file ${folder.label}`;
  return { ...folder, kind: 'module', main: path, fault };
}

async function mainOfPackage(folder: string): Promise<string | undefined> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const main = typeof manifest === 'object' && manifest !== null && 'main' in manifest ? manifest.main : undefined;
    return typeof main === 'string' ? join(folder, main) : undefined;
  } catch {
    return undefined;
  }
}

async function firstFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  const present = await readdir(folder);
  const name = names.find((each) => present.includes(each));
  return name === undefined ? undefined : join(folder, name);
}

const isExecutable = (stats: BigIntStats): boolean => (stats.mode & 0o111n) !== 0n;

async function startsAsScript(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return buffer.toString('latin1') === '#!';
}

const labelOf = (path: string): string => (path.split('/').at(-1) ?? path).replace(moduleName, '');
