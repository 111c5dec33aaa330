import { readFileSync } from 'node:fs';

/** It runs. A zombie that nobody has reaped yet is as good as gone. */
export function isAlive(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [^ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

export const parentOf = (pid: number): number =>
  Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
