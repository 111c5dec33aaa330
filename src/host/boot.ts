/** Telling one boot of the host, and one process under a pid, from another. */

import { readFileSync } from 'node:fs';

let thisBoot: string | undefined;

/** The host's boot id: another one means that the host was restarted, and every process of before is gone. */
export function bootID(): string {
  return (thisBoot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim());
}

/** When the process started, in clock ticks since boot: with the pid, the identity of a process. Undefined when there is no such process. */
export function processStartTime(pid: number): number | undefined {
  return statOf(pid)?.startTime;
}

/** Whether this very process still runs. A zombie does not. */
export function isAlive(pid: number, startTime: number): boolean {
  const stat = statOf(pid);
  return stat?.startTime === startTime && !'ZX'.includes(stat.state);
}

function statOf(pid: number): { state: string; startTime: number } | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** The state and the start time in a /proc/PID/stat line, whose second field, the program's name, may hold spaces and parentheses itself. */
export function parseStat(line: string): { state: string; startTime: number } | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state = ''] = fields;
  const startTime = Number(fields[22 - 3]);
  return state !== '' && Number.isSafeInteger(startTime) ? { state, startTime } : undefined;
}
