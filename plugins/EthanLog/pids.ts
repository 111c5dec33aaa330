import { readFileSync } from 'node:fs';

/** Finds out which process of the host a container means. */
export interface PidMap {
  /** The host's number of a process that the container numbers so; undefined when it is not there (any more). */
  hostPid(pid: number): number | undefined;
}

/** Looking costs a few microseconds a process, and a container may name pids that it does not have. */
const LOOK_AGAIN_MS = 200;

/**
 * @param cgroup where the container's processes are listed; asked for at each look, as it comes and goes with the container
 * @param now a clock in milliseconds
 */
export function createPidMap(cgroup: () => string | undefined, now: () => number): PidMap {
  let known = new Map<number, number>();
  let lookedAt = -Infinity;
  return {
    hostPid(pid) {
      if (known.has(pid) || now() - lookedAt < LOOK_AGAIN_MS) return known.get(pid);
      lookedAt = now();
      // Made anew, not added to: numbers are given again.
      known = new Map(processesOf(cgroup()).flatMap(withOwnNumber));
      return known.get(pid);
    },
  };
}

function processesOf(cgroup: string | undefined): string[] {
  const list = cgroup === undefined ? '' : textOf(`${cgroup}/cgroup.procs`);
  return list.split('\n').filter((pid) => pid !== '');
}

/** A process has one number in each pid namespace that it is in: the host's first, the container's last. */
function withOwnNumber(hostPid: string): [number, number][] {
  const numbers = /^NStgid:\s*(.+)$/m.exec(textOf(`/proc/${hostPid}/status`))?.[1];
  return numbers === undefined ? [] : [[Number(numbers.split(/\s+/).at(-1)), Number(hostPid)]];
}

/** Nothing when it is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
