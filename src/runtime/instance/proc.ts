import { readdirSync, readFileSync } from 'node:fs';

/** What the kernel says of a process in /proc/PID/stat. */
export interface ProcessStat {
  /** One letter: R, S, D, T, Z, ... */
  readonly state: string;
  readonly parent: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
  /** It runs a program of its own; false for what is still a copy of its parent. */
  readonly executed: boolean;
  /** Raw wait status; of a zombie only. */
  readonly waitStatus: number;
}

const PF_FORKNOEXEC = 0x40;

/** Undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  const line = read(`/proc/${pid}/stat`);
  return line === undefined ? undefined : parseProcessStat(line);
}

/** The second field, the program's name, may hold spaces and parentheses itself; fields are counted from after it, as proc(5) numbers them. */
export function parseProcessStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const number = (field: number): number => Number(fields[field - 3]);
  return {
    state: fields[0] ?? '',
    parent: number(4),
    startTime: number(22),
    executed: (number(9) & PF_FORKNOEXEC) === 0,
    waitStatus: number(52),
  };
}

export const isDead = (stat: ProcessStat | undefined): boolean => !stat || 'ZX'.includes(stat.state);

/** The arguments a process was started with; none when it is gone. */
export function processArguments(pid: number): string[] {
  return (read(`/proc/${pid}/cmdline`) ?? '').split('\0').slice(0, -1);
}

/** Looks at every process of the host: some 10 microseconds each. */
export function findProcesses(matches: (args: readonly string[]) => boolean): number[] {
  return everyPid().filter((pid) => matches(processArguments(pid)));
}

/** Looks at every process of the host. */
export const findChildren = (parent: number): number[] =>
  everyPid().filter((pid) => processStat(pid)?.parent === parent);

const everyPid = (): number[] => readdirSync('/proc').map(Number).filter(Number.isInteger);

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
