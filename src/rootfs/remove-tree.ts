import { randomUUID } from 'node:crypto';
import { opendirSync, renameSync, rmdirSync, unlinkSync, type Dirent } from 'node:fs';
import { setImmediate as turnOfOthers } from 'node:timers/promises';

/** How long others wait for their turn: a slice of the work, not a limit on it. */
const SLICE_MS = 1;

/**
 * Remove a directory with all that is in it, however much that is: in short slices, with little memory, and faster than by way of
 * the thread pool.
 */
export async function removeTree(root: string): Promise<void> {
  let sliceEnd = performance.now() + SLICE_MS;
  for (const _ of removalsOf(root)) {
    if (performance.now() < sliceEnd) continue;
    await turnOfOthers();
    sliceEnd = performance.now() + SLICE_MS;
  }
}

/**
 * A removal a step. What a container leaves can be hostile: directories nested deeper than a path can name are moved up to the root
 * before they are entered, and names are bytes in no particular encoding.
 */
function* removalsOf(root: string): Generator<undefined> {
  const mark = randomUUID();
  const ahead: string[] = [];
  let moved = 0;
  for (let directory: string | undefined = root; directory !== undefined; directory = ahead.pop()) {
    for (const entry of entriesOf(directory)) {
      if (entry.name.startsWith(mark)) continue;
      const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(entry.name, 'latin1')]);
      if (entry.isDirectory()) ahead.push(moveTo(`${root}/${mark}-${moved++}`, path));
      else unlinkSync(path);
      yield;
    }
    if (directory !== root) rmdirSync(directory);
  }
  rmdirSync(root);
}

function moveTo(target: string, path: Buffer): string {
  renameSync(path, target);
  return target;
}

/** Read as latin1, a name keeps all its bytes. */
function* entriesOf(directory: string): Generator<Dirent> {
  using entries = opendirSync(directory, { encoding: 'latin1' });
  for (let entry = entries.readSync(); entry !== null; entry = entries.readSync()) yield entry;
}
