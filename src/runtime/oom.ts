import { closeSync, constants, openSync, readSync } from 'node:fs';
import { codeOf, wordsOf } from '../host/errors.ts';
import type { OomQuestion } from './instance/exit.ts';

/** One process that the kernel killed because its cgroup, or the host, ran out of memory. */
export interface OomKill {
  readonly pid: number;
  /** The killed process's own cgroup. */
  readonly cgroup: string;
}

export interface OomLog {
  readonly wasKilled: OomQuestion;
  close(): void;
}

/** `oom-kill:constraint=...,task_memcg=/hob/web,task=node,pid=9223,uid=0`; a program's name may hold commas. */
export function parseOomKill(line: string): OomKill | undefined {
  const [, cgroup, pid] = /oom-kill:.*,task_memcg=(.*?),task=.*,pid=(\d+),uid=\d+/.exec(line) ?? [];
  return cgroup === undefined ? undefined : { cgroup, pid: Number(pid) };
}

/** The kernel names a cgroup from the root of the hierarchy; hob may see only a part of it. A process may have moved to a cgroup further down. */
export function isWithin(cgroup: string, cgroupsPath: string): boolean {
  const path = cgroupsPath.startsWith('/') ? cgroupsPath : `/${cgroupsPath}`;
  return `${cgroup}/`.includes(`${path}/`);
}

const mostKept = 1000;
/** A record of the kernel log is never longer. */
const recordBytes = 8192;

/**
 * Follows the kernel log, from the first question on; what was in it by then counts too.
 * Where the log cannot be read, nothing counts as killed for lack of memory, and `warn` is told once.
 */
export function openOomLog(warn: (message: string) => void, path = '/dev/kmsg'): OomLog {
  const kills: OomKill[] = [];
  const buffer = Buffer.allocUnsafe(recordBytes);
  let fd: number | undefined;
  let failed = false;

  function catchUp(): void {
    if (failed) return;
    try {
      fd ??= openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      while (readRecord(fd));
      kills.splice(0, kills.length - mostKept);
    } catch (error) {
      failed = true;
      warn(`cannot tell which containers were killed for lack of memory: ${wordsOf(error)}`);
    }
  }

  /** False when there is no more. */
  function readRecord(kmsg: number): boolean {
    try {
      const length = readSync(kmsg, buffer);
      const kill = length > 0 ? parseOomKill(buffer.toString('latin1', 0, length)) : undefined;
      if (kill) kills.push(kill);
      return length > 0;
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EAGAIN') return false;
      // Records were overwritten before they were read: go on with what is there.
      if (code === 'EPIPE') return true;
      throw error;
    }
  }

  return {
    wasKilled(cgroupsPath, pid) {
      catchUp();
      return kills.some((kill) => isWithin(kill.cgroup, cgroupsPath) && (pid === undefined || kill.pid === pid));
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
      failed = true;
    },
  };
}
