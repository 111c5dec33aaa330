import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import { signalPidfd } from '../host/libc.ts';
import { isFrozen } from './cgroup-state.ts';
import { findInit, isLiving } from './instance/init.ts';
import { appliedLimits, instancesDirectory, safeID } from './instance/paths.ts';
import { wrongLimitsOf } from './instance/wrong-limits.ts';
import type { Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { OciConfig } from './runtime.ts';
import { signalNumber } from './signal-names.ts';

/**
 * Send a signal to the init. False when it is gone.
 *
 * A paused container is resumed after that: frozen processes take no signal, on cgroup v1 not even SIGKILL. The signal is there before
 * they run on.
 */
export async function kill(parts: RuntimeParts, instance: Instance, signal: string): Promise<boolean> {
  const init = findInit(instance);
  if (!init || init.pidfd === undefined || !isLiving(init)) return false;
  const sent = signalPidfd(init.pidfd, signalNumber(signal));
  if (sent && isFrozen(instance.record.cgroupsPath, parts.cgroups)) await resumeUnlessGone(parts, instance);
  return sent;
}

async function resumeUnlessGone(parts: RuntimeParts, instance: Instance): Promise<void> {
  try {
    await resume(parts, instance.id);
  } catch (error) {
    // cgroup v2 lets SIGKILL through to frozen processes.
    if (instance.init && isLiving(instance.init)) throw error;
  }
}

export async function pause({ crun }: RuntimeParts, id: string): Promise<void> {
  await crun(['pause', safeID(id)]);
}

export async function resume({ crun }: RuntimeParts, id: string): Promise<void> {
  await crun(['resume', safeID(id)]);
}

/** crun reads them from its stdin, which takes no room on any file system. */
export async function update(parts: RuntimeParts, id: string, resources: OciConfig): Promise<void> {
  const text = JSON.stringify(resources);
  await parts.crun(['update', '--resources', '/dev/stdin', safeID(id)], { stdin: text });
  noteLimits(parts, id, text);
  const instance = parts.instances.get(id);
  if (instance) instance.unmendable = wrongLimitsOf(instance, parts.cgroups);
}

/** A later hob that does not find them takes them for somebody else's: it says so, and sets them again. */
function noteLimits({ runDir, warn }: RuntimeParts, id: string, text: string): void {
  const directory = join(instancesDirectory(runDir), id);
  const draft = join(directory, `${appliedLimits}.new`);
  try {
    // Somebody may have deleted the bundle.
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(draft, text, { mode: 0o600 });
    renameSync(draft, join(directory, appliedLimits));
  } catch (error) {
    tryToRemove(draft);
    warn(`${id} has new limits, which could not be noted in the run directory: ${wordsOf(error)}`);
  }
}

function tryToRemove(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // It goes with the bundle.
  }
}
