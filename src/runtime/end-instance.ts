import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openPidfd, signalPidfd } from '../host/libc.ts';
import { removeCgroups } from './cgroup-remains.ts';
import { findHelpers, hasShell, isHelper } from './instance/helpers.ts';
import { crunStateExists, findInit, isLiving } from './instance/init.ts';
import type { Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';

const SIGKILL = 9;
const deleteLimitMs = 30_000;
const lookAgainMs = 10;
const mostLooks = 500;

/**
 * End whatever still lives of an instance, and remove what crun keeps of it. After an instance that ended as it should, this
 * starts no process, and looks at none.
 * @throws Error when something does not go away
 */
export async function endInstance(parts: RuntimeParts, instance: Instance): Promise<void> {
  const { id, record } = instance;
  const orderly = endedInOrder(instance);
  if (!orderly) await endHelpers(instance.paths.directory, () => killGroup(instance));
  if (crunStateExists(instance)) await parts.crun(['delete', '--force', id], { timeoutMs: deleteLimitMs });
  if (!orderly) await untilGone(() => killInit(instance));
  await removeCgroups(record.cgroupsPath, parts.cgroupParent);
}

function endedInOrder(instance: Instance): boolean {
  const init = findInit(instance);
  return instance.facts.crunCode !== undefined && !(init && isLiving(init)) && !crunStateExists(instance);
}

/** @param kill answers what still lived */
async function untilGone(kill: () => readonly number[]): Promise<void> {
  for (let looks = 1; ; looks += 1) {
    const living = kill();
    if (living.length === 0) return;
    if (looks === mostLooks) throw new Error(`these processes do not end: ${living.join(', ')}`);
    await delay(lookAgainMs);
  }
}

/**
 * End the shell, crun, and the hook that waits for a verdict, of the container with this bundle.
 * @param first what else to end each time
 */
export async function endHelpers(bundle: string, first: () => void = () => undefined): Promise<void> {
  await untilGone(() => {
    first();
    const helpers = findHelpers(bundle);
    for (const pid of helpers) kill(pid, () => isHelper(pid, bundle));
    return helpers;
  });
}

/** There may be more in the shell's group than what hob knows of. */
function killGroup(instance: Instance): void {
  const { shellPid } = instance.facts;
  if (shellPid !== undefined) kill(-shellPid, () => hasShell(instance));
}

function killInit(instance: Instance): number[] {
  const init = findInit(instance);
  if (!init || !isLiving(init)) return [];
  kill(init.pid, () => isLiving(init));
  return [init.pid];
}

/** @param pid of a process, or the negative of a group's */
function kill(pid: number, isStillIt: () => boolean): void {
  // Held, so that its number goes to nobody else while it is looked at.
  const pidfd = openPidfd(Math.abs(pid));
  if (pidfd === undefined) return;
  if (isStillIt()) {
    if (pid > 0) signalPidfd(pidfd, SIGKILL);
    else process.kill(pid, 'SIGKILL');
  }
  closeSync(pidfd);
}
