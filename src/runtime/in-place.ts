import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signalPidfd } from '../host/libc.ts';
import { isFrozen } from './cgroup-remains.ts';
import { findInit, isLiving } from './instance/init.ts';
import { appliedLimits, instancesDirectory, safeID } from './instance/paths.ts';
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

/** By way of a file: crun opens /dev/stdin anew, which Node's pipes do not allow. */
export async function update({ crun, runDir }: RuntimeParts, id: string, resources: OciConfig): Promise<void> {
  const directory = join(instancesDirectory(runDir), safeID(id));
  const file = join(directory, 'resources.json');
  // Somebody may have deleted the bundle.
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(file, JSON.stringify(resources), { mode: 0o600 });
  await crun(['update', '--resources', file, id]);
  renameSync(file, join(directory, appliedLimits));
}
