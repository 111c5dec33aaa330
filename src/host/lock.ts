/** One hob a directory. */

import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './errors.ts';
import { tryLock } from './libc.ts';

/**
 * Make the directory ours (`mode` when it has to be created) until this process ends, however it ends, or releases it.
 * The lock file keeps the pid of its holder, for people; only the lock itself counts.
 * @returns gives the directory up
 * @throws Error naming the process that has it
 */
export function lockDirectory(directory: string, mode: number): () => void {
  mkdirSync(directory, { recursive: true, mode });
  const file = join(directory, 'hob.lock');
  const { fd, isWritable } = openLock(file);
  if (!tryLock(fd)) {
    closeSync(fd);
    throw new Error(taken(directory, readFileSync(file, 'utf8').trim()));
  }
  if (isWritable) {
    ftruncateSync(fd);
    writeSync(fd, `${process.pid}\n`);
  }
  return () => closeSync(fd);
}

/** A lock needs no writing: on a file system that has become read-only, the file of before will do. */
function openLock(file: string): { fd: number; isWritable: boolean } {
  try {
    return { fd: openSync(file, 'a+', 0o600), isWritable: true };
  } catch (error) {
    if (codeOf(error) !== 'EROFS') throw error;
    return { fd: openSync(file, 'r'), isWritable: false };
  }
}

function taken(directory: string, pid: string): string {
  return `another hob (pid ${pid || 'not known yet'}) uses ${directory}: stop that one first, or give this one directories of its own (--state-dir and --run-dir)`;
}
