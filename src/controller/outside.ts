import { keyOfID } from '../api/container.ts';
import type { Seen } from '../../machines/events.ts';
import type { ContainerActor } from './journaled.ts';

/** What others did to containers behind hob's back, for their machines. Ids are those that the runtime knows containers by. */
export interface Outside {
  /** What a look at an instance that runs has shown. False when it is in the middle of something, and should be looked at again. */
  seen(id: string, instanceID: string, seen: Seen): boolean;
  /**
   * Mounts came or went: whether each container that lives still has its rootfs. False when one that is being started has lost it, and is
   * to be looked at again: where its init has it already, it will live.
   */
  mountsChanged(isThere: (rootfsPath: string) => boolean): boolean;
  /** Something else, and what became of it. False when there is no such container. */
  tampered(id: string, reason: string, message: string): boolean;
}

/** @param kept by `namespace/name` */
export const tellMachines = (kept: ReadonlyMap<string, { readonly actor: ContainerActor }>): Outside => ({
  seen(id, instanceID, seen) {
    const actor = kept.get(keyOfID(id))?.actor;
    const snapshot = actor?.getSnapshot();
    if (!actor || snapshot?.context.instance?.id !== instanceID) return true;
    if (!snapshot.matches({ alive: 'running' }) && !snapshot.matches({ alive: 'paused' })) return false;
    actor.send({ type: 'seen', ...seen });
    return true;
  },
  mountsChanged(isThere) {
    const without = [...kept.values()].filter(({ actor }) => {
      const { rootfsPath, rootfsLost } = actor.getSnapshot().context.instance ?? {};
      return rootfsPath !== undefined && !rootfsLost && !isThere(rootfsPath);
    });
    for (const { actor } of without) if (actor.getSnapshot().matches('alive')) actor.send({ type: 'unmounted' });
    return !without.some(({ actor }) => actor.getSnapshot().matches('starting'));
  },
  tampered(id, reason, message) {
    const actor = kept.get(keyOfID(id))?.actor;
    actor?.send({ type: 'tampered', reason, message });
    return actor !== undefined;
  },
});
