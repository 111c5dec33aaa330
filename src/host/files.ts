/** Writing files so that a reader, or a crash, never meets half of one. */

import { randomUUID } from 'node:crypto';
import { chmodSync, statSync } from 'node:fs';
import { open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { wordsOf } from './errors.ts';

const draft = '.tmp';

/** Remove what deaths have left of files that were being written. For a directory that nobody writes to at the moment. */
export async function removeDrafts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name.endsWith(draft)) await unlink(join(directory, name));
}

/**
 * Replace `path` by a file with this content: at every moment, a power cut included, there is the whole old one or the whole new one.
 * @param mode permissions of the file; cut by the umask, as everywhere
 * @param durable false for a filesystem that does not outlive the host's boot: saves waiting for the disk, twice
 * @throws Error naming the path; the old file is untouched then
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  mode: number,
  { durable = true }: { durable?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}${draft}`;
  try {
    await writeNew(temporary, data, mode, durable);
    await rename(temporary, path);
    if (durable) await syncDirectory(dirname(path));
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw new Error(`cannot write ${path}: ${wordsOf(cause)}`, { cause });
  }
}

async function writeNew(path: string, data: string | Uint8Array, mode: number, durable: boolean): Promise<void> {
  await using file = await open(path, 'wx', mode);
  await file.writeFile(data);
  if (durable) await file.sync();
}

/** Until then the rename itself may be lost, though not the content. */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

/** Give it this mode, unless it has it: then nothing is written, which a file system that has become read-only would refuse. */
export function ensureMode(path: string, mode: number): void {
  if ((statSync(path).mode & 0o7777) !== mode) chmodSync(path, mode);
}
