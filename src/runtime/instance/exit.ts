import { statSync } from 'node:fs';
import { uptime } from 'node:os';
import { decodeWaitStatus, waitStatusOfPidfd } from '../../host/libc.ts';
import { crunStateExists, findInit, isAbandoned, isLiving } from './init.ts';
import { forgetPidfd, type Init, type Instance } from '../instance.ts';
import { isDead, processStat } from './proc.ts';
import type { Exit } from '../runtime.ts';
import { signalNumber, signalOfExitCode } from '../signal-names.ts';

/** Whether the kernel killed this process of a cgroup for lack of memory; without a pid, any process of it. */
export type OomQuestion = (cgroupsPath: string, pid: number | undefined) => boolean;

/** How the instance ended. Undefined while it lives, or while crun has yet to say it. */
export function exitOf(instance: Instance, wasOomKilled: OomQuestion): Exit | undefined {
  if (!instance.exit && hasEnded(instance)) {
    instance.exit = describe(instance, wasOomKilled);
    forgetPidfd(instance);
  }
  return instance.exit;
}

/** What the files say is only a reason to look: there is an exit code also when crun was killed, and the container lives on. */
function hasEnded(instance: Instance): boolean {
  const { facts } = instance;
  if (facts.crunCode === undefined && !instance.suspected) return false;
  const init = findInit(instance);
  if (init && isLiving(init)) {
    instance.suspected = false;
    return false;
  }
  return facts.crunCode !== undefined || isAbandoned(instance);
}

type End = Pick<Exit, 'code' | 'signal' | 'unknown'>;

function describe(instance: Instance, wasOomKilled: OomQuestion): Exit {
  const { facts, init, record } = instance;
  const seen = init && kernelsWord(init);
  const end = seen ? endFrom(seen) : crunsWord(instance);
  // A process that was not killed and still exits with 137 says it of its child, as shells do.
  const victim = seen?.code === undefined ? facts.pid : undefined;
  const oomKilled = end.code === 137 && wasOomKilled(record.cgroupsPath, victim);
  return {
    ...end,
    oomKilled,
    finishedAt: finishedAt(instance),
    ...(init?.startTime && { ranAtMostMs: msSince(init.startTime) }),
  };
}

/** @param startTime of a process; what the kernel tells users is in hundredths of a second, on every machine */
const msSince = (startTime: number): number => Math.round(uptime() * 1000 - startTime * 10);

/** From the pidfd after the process was reaped, or from its zombie before. */
function kernelsWord({ pid, startTime, pidfd }: Init): ReturnType<typeof waitStatusOfPidfd> {
  const reaped = pidfd === undefined ? undefined : waitStatusOfPidfd(pidfd);
  if (reaped) return reaped;
  const zombie = processStat(pid);
  return isDead(zombie) && zombie?.startTime === startTime ? decodeWaitStatus(zombie.waitStatus) : undefined;
}

function endFrom({ code, signal }: { code?: number; signal?: string }): End {
  if (signal !== undefined) return { code: 128 + signalNumber(signal), signal };
  return code === undefined ? {} : { code };
}

/** By convention, a code beyond 128 stands for a signal. */
function crunsWord(instance: Instance): End {
  const { crunCode } = instance.facts;
  if (crunCode === undefined) return { unknown: 'crun and the shell around it were killed before it ended' };
  if (wasCrunKilled(instance))
    return { unknown: 'crun, which would have seen its exit code, was killed before it ended' };
  const signal = signalOfExitCode(crunCode);
  return signal === undefined ? { code: crunCode } : { code: crunCode, signal };
}

const wasCrunKilled = (instance: Instance): boolean =>
  (instance.facts.crunCode ?? 0) > 128 && crunStateExists(instance);

function finishedAt(instance: Instance): string {
  const said = instance.facts.crunCode !== undefined && !wasCrunKilled(instance);
  const file = said ? statSync(instance.paths.signals.shell, { throwIfNoEntry: false }) : undefined;
  return (file?.mtime ?? new Date()).toISOString();
}
