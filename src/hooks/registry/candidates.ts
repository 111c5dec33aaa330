import type { BigIntStats } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { meansMissing } from '../../host/errors.ts';
import { linkFault } from './broken-link.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type Manifest, readManifest } from './manifest.ts';

/** Something in a plugin folder that looks like a plugin, or like an attempt at one. */
export interface Candidate {
  /** The file or folder in the plugin folder. */
  readonly path: string;
  /** The name of that file or folder, without what says that it is a module: its name before it has told it, and that of its state folder. */
  readonly label: string;
  readonly kind: 'module' | 'executable';
  /** The file to import or to execute. */
  readonly main: string;
  /** Differs between two states of its files. */
  readonly version: string;
  /** Folders in which a change changes it. */
  readonly folders: readonly string[];
  readonly files: readonly string[];
  /** Variables of hob's environment that it is to have. */
  readonly passedOn: readonly string[];
  /** Why it cannot be a plugin. */
  readonly fault?: string;
}

/** How the file of a module ends. */
export const moduleEnding = /\.(?:mjs|js|ts)$/;
const notPlugins = /^\.|~$|\.d\.ts$|\.test\.(?:mjs|js|ts)$/;
const indexNames = ['index.mjs', 'index.js', 'index.ts'];

/** The candidates of the plugin folders, in the order in which they win a name: by folder, then by file name. */
export async function findCandidates(folders: readonly string[]): Promise<Candidate[]> {
  const lists = await Promise.all(folders.map((folder) => candidatesIn(folder, folders)));
  return withoutRivals(lists.flat());
}

/** Two of one label would share a state folder. */
function withoutRivals(candidates: readonly Candidate[]): Candidate[] {
  const owners = new Map<string, string>();
  return candidates.map((candidate) => {
    const { label, path } = candidate;
    const owner = owners.get(label);
    if (owner === undefined) owners.set(label, path);
    return owner === undefined ? candidate : { ...candidate, fault: rivalFault(label, owner) };
  });
}

const rivalFault = (label: string, owner: string): string =>
  `${owner} comes first and has the state folder ${label}; give one of them another file name`;

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
  const fault = await linkFault(path);
  if (fault !== undefined) return { ...nowhere, path, main: path, label: labelOf(path), kind: kindOf(path), fault };
  const stats = await stat(path, { bigint: true });
  if (stats.isDirectory()) return folderCandidate(path);
  return stats.isFile() ? fileCandidate(path, stats) : undefined;
}

/** What is known of a file that cannot be reached; it is looked for again now and then. */
const nowhere = { version: '', folders: [], files: [], passedOn: [] };

const kindOf = (path: string): Candidate['kind'] => (moduleEnding.test(path) ? 'module' : 'executable');

async function fileCandidate(path: string, stats: BigIntStats): Promise<Candidate | undefined> {
  const file = { path, main: path, label: labelOf(path), passedOn: [], ...(await fingerprintOf(path)) };
  if (kindOf(path) === 'module') return { ...file, kind: 'module' };
  if (isExecutable(stats)) return { ...file, kind: 'executable' };
  // A README is no plugin; a script somebody forgot to make executable is one.
  if (!(await startsAsScript(path))) return undefined;
  return { ...file, kind: 'executable', fault: `it is a script, but not executable; cure: chmod +x ${path}` };
}

/** Rejects when it vanishes meanwhile. */
export async function folderCandidate(path: string): Promise<Candidate> {
  const manifest = await readManifest(path);
  const folder = { path, label: labelOf(path), passedOn: manifest.environment, ...(await fingerprintOf(path)) };
  const found = await mainOf(path, folder.label, manifest);
  return { ...folder, ...found, ...(manifest.fault !== undefined && { fault: manifest.fault }) };
}

async function mainOf(
  path: string,
  label: string,
  { main }: Manifest,
): Promise<Pick<Candidate, 'kind' | 'main' | 'fault'>> {
  const module = main === undefined ? await firstFile(path, indexNames) : join(path, main);
  if (main !== undefined && module !== undefined && !(await isThere(module)))
    return { kind: 'module', main: module, fault: `"main" in ${path}/package.json names ${main}, which is not there` };
  if (module !== undefined) return { kind: 'module', main: module };
  const program = await firstFile(path, [label]);
  if (program !== undefined && isExecutable(await stat(program, { bigint: true })))
    return { kind: 'executable', main: program };
  const fault = `the folder has no package.json with "main", no ${indexNames.join(', ')}, and no executable file ${label}; if it holds plugins itself, name it with a --plugins of its own`;
  return { kind: 'module', main: path, fault };
}

async function firstFile(folder: string, names: readonly string[]): Promise<string | undefined> {
  const present = await readdir(folder);
  const name = names.find((each) => present.includes(each));
  return name === undefined ? undefined : join(folder, name);
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => !meansMissing(error),
  );

const isExecutable = (stats: BigIntStats): boolean => (stats.mode & 0o111n) !== 0n;

async function startsAsScript(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return buffer.toString('latin1') === '#!';
}

/** What a plugin is called before it has told its name, and what its state folder is called, from its path in the plugin folder. */
export const labelOf = (path: string): string => (path.split('/').at(-1) ?? path).replace(moduleEnding, '');
