import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { readOr } from './cgroups.ts';

/** It runs. A zombie that nobody has reaped yet is as good as gone. */
export function isAlive(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [^ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/** kill -9, unless it has ended by itself: because of another that was killed, say. */
export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

export const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** More than the longest command line here. */
const chunk = Buffer.alloc(64 * 1024);

/**
 * The command lines, each argument ending in a NUL, of all processes that have this text in theirs. One pass over /proc, with as few system
 * calls as it takes: a check makes one, and there are thousands of checks.
 */
export function commandLinesWith(text: string): Map<number, string> {
  const lines = new Map<number, string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d/.test(name)) continue;
    const line = chunk.subarray(0, readInto(chunk, `/proc/${name}/cmdline`));
    if (line.includes(text)) lines.set(Number(name), line.toString('utf8'));
  }
  return lines;
}

/** How much was read: nothing of what is gone. */
function readInto(buffer: Buffer, path: string): number {
  try {
    const fd = openSync(path, 'r');
    try {
      return readSync(fd, buffer);
    } finally {
      closeSync(fd);
    }
  } catch {
    return 0;
  }
}

/** One process, as the kernel tells of it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** In clock ticks since boot; the same number in a container's own /proc. */
  readonly startTime: number;
  /** Its number in the innermost pid namespace, and whether that is not this process's. */
  readonly inner: number;
  readonly isInContainer: boolean;
}

/** Undefined when it is gone, or dead and not reaped yet. */
export function processOf(pid: number): Process | undefined {
  const stat = readOr('', `/proc/${pid}/stat`);
  // The second field, the program's name, may hold anything.
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const numbers = /^NSpid:(.*)$/m
    .exec(readOr('', `/proc/${pid}/status`))?.[1]
    ?.trim()
    .split(/\s+/);
  if (state === undefined || state === 'Z' || state === 'X' || !numbers) return undefined;
  return {
    pid,
    parent: Number(parent),
    startTime: Number(rest[17]),
    inner: Number(numbers.at(-1)),
    isInContainer: numbers.length > 1,
  };
}
