import { closeSync, existsSync } from 'node:fs';
import { openPidfd } from '../../host/libc.ts';
import { isInCgroup } from './cgroup-of-process.ts';
import { findHelpers, hasShell } from './helpers.ts';
import type { Init, Instance } from '../instance.ts';
import { parseRecord } from '../json.ts';
import { isDead, processStat, type ProcessStat } from './proc.ts';
import { readSmall } from '../small-file.ts';

/** The container's init, once crun has said its pid; found and proven once, then known. */
export function findInit(instance: Instance): Init | undefined {
  const { pid } = instance.facts;
  if (pid !== undefined) instance.init ??= instance.begun ? identify(pid) : identifyOld(pid, instance);
  return instance.init;
}

/** The pid is fresh: no other process can have got it meanwhile. */
function identify(pid: number): Init {
  // The pidfd first: then both are about one process, or the start time is not to be had.
  const pidfd = openPidfd(pid);
  const startTime = processStat(pid)?.startTime ?? 0;
  return pidfd === undefined ? { pid, startTime } : { pid, startTime, pidfd };
}

/** The pid may belong to another process by now: crun, which wrote it, also wrote when its process started. */
function identifyOld(pid: number, { paths, record }: Instance): Init {
  const status = parseRecord(readSmall(`${paths.crunState}/status`));
  const found = identify(pid);
  const { startTime } = found;
  const same = startTime !== 0 && status['pid'] === pid && status['process-start-time'] === startTime;
  // Somebody may have deleted what crun wrote, but nothing else gets into the container's cgroup.
  const isIts = 'pid' in status ? same : isInCgroup(pid, record.cgroupsPath);
  if (isIts) return found;
  if (found.pidfd !== undefined) closeSync(found.pidfd);
  return { pid, startTime: 0 };
}

/** What the kernel says of an init that lives. A zombie does not. */
export function livingStat({ pid, startTime }: Init): ProcessStat | undefined {
  const stat = processStat(pid);
  return stat?.startTime === startTime && !isDead(stat) ? stat : undefined;
}

export const isLiving = (init: Init): boolean => livingStat(init) !== undefined;

/** Whether crun, or the shell that will say its exit code, still runs. */
export const isTended = (instance: Instance): boolean =>
  hasShell(instance) || findHelpers(instance.paths.directory).length > 0;

/** crun removes its record of a container when that has ended, unless crun is killed. */
export const crunStateExists = ({ paths }: Pick<Instance, 'paths'>): boolean => existsSync(paths.crunState);

/** Nobody is left who could get it any further, or say how it ended. Looked for only when there is a reason to. */
export function isAbandoned(instance: Instance): boolean {
  if (!instance.suspected) return false;
  instance.suspected = false;
  if (isTended(instance)) return false;
  // The last thing it did may have been to write.
  instance.read('shell');
  return true;
}
