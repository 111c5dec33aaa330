import { createHash, type Hash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Enough for any plugin's own files; what is beyond is not watched. */
const MAX_FILES = 1000;
const MAX_DEPTH = 8;
/** Dependencies and a version control's store: large, and no part of what an author edits. */
const passedOver = /^(?:node_modules|\..*)$/;

/** What tells two states of a file or folder apart. Rejects when it is not there. */
export interface Fingerprint {
  readonly version: string;
  /** It and the folders below it that hold files of it; empty for a file. */
  readonly folders: string[];
  readonly files: string[];
}

/** Looks at inodes, sizes and times of the files, not at their content: a plugin that is written anew with the same content is a new version. */
export async function fingerprintOf(path: string): Promise<Fingerprint> {
  const hash = createHash('sha256');
  const walk: Walk = { hash, folders: [], files: [] };
  await add(path, 0, walk);
  return { version: hash.digest('hex').slice(0, 12), folders: walk.folders, files: walk.files };
}

interface Walk {
  readonly hash: Hash;
  readonly folders: string[];
  readonly files: string[];
}

async function add(path: string, depth: number, walk: Walk): Promise<void> {
  const stats = await stat(path, { bigint: true });
  if (!stats.isDirectory()) {
    walk.files.push(path);
    walk.hash.update(`${path}\0${stats.ino}\0${stats.size}\0${stats.mode}\0${stats.mtimeNs}\0${stats.ctimeNs}\n`);
    return;
  }
  walk.folders.push(path);
  if (depth === MAX_DEPTH) return;
  for (const name of (await readdir(path)).toSorted()) {
    if (walk.files.length >= MAX_FILES) return;
    // A file that vanishes meanwhile, or a link to nowhere, is no part of the plugin.
    if (!passedOver.test(name)) await add(join(path, name), depth + 1, walk).catch(() => undefined);
  }
}
