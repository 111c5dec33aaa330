import { findInit, isLiving } from './init.ts';
import { signalKinds } from './instance-paths.ts';
import type { Instance } from './instance.ts';

/**
 * Look whether an instance got on without any word of it: an event may be lost, and whoever should have written may have been killed.
 * One look at one process for an instance that runs as it should.
 */
export function checkUp(instance: Instance): void {
  if (instance.exit) return;
  const init = instance.facts.crunCode === undefined ? findInit(instance) : undefined;
  if (init && isLiving(init)) return;
  signalKinds.forEach(instance.read);
  suspect(instance);
}

/** Something may have happened. */
export function suspect(instance: Instance): void {
  instance.suspected = true;
  instance.wake();
}
