import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { codeOf } from '../host/errors.ts';
import { makeFile } from './database-file.ts';
import { isBroken } from './failures.ts';

/**
 * A hob that cannot write its journal's file (a read-only or full disk) keeps the journal in the run directory instead: containers need
 * somebody who looks after them all the more on such a host.
 */

/** Begin the journal in the run directory with what the file says, unless an earlier hob did already. */
export function takeAlong(path: string, spare: string): void {
  if (existsSync(spare)) return;
  copyIfThere(`${path}-wal`, `${spare}-wal`);
  copyIfThere(path, `${spare}.new`);
  // Last: where it is, all is.
  if (existsSync(`${spare}.new`)) renameSync(`${spare}.new`, spare);
}

function copyIfThere(from: string, to: string): void {
  rmSync(to, { force: true });
  try {
    copyFileSync(from, to);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/**
 * Put the journal that was kept in the run directory back into its place, events and all. Can be cut anywhere, by a power cut too, and done
 * again.
 */
export function bringHome(path: string, spare: string): void {
  if (!existsSync(spare)) return;
  const fresh = `${path}.new`;
  try {
    rmSync(fresh, { force: true });
    makeFile(fresh);
    copyDatabase(spare, fresh);
    // Of the file that goes; another must not meet it.
    removeSideFiles(path);
    renameSync(fresh, path);
    syncDirectory(dirname(path));
  } catch (error) {
    // On a full disk, it is in everybody's way.
    giveBack(fresh);
    if (!isBroken(error)) throw error;
  }
  removeSideFiles(spare);
  rmSync(spare, { force: true });
}

function giveBack(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What hindered the writing is told, and the next hob makes the file anew.
  }
}

function copyDatabase(from: string, to: string): void {
  const db = new DatabaseSync(from);
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } finally {
    db.close();
  }
}

/** SQLite has waited for the disk with the copy itself. Until this, the rename may be lost. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function removeSideFiles(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
}
