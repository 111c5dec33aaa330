import { readFileSync } from 'node:fs';
import { wordsOf } from '../../host/errors.ts';
import { isFrozen } from '../cgroup-state.ts';
import { watchCgroup } from './cgroup-watch.ts';
import { livingStat } from '../instance/init.ts';
import { wrongLimitsOf } from '../instance/wrong-limits.ts';
import type { Instance } from '../instance.ts';
import type { RuntimeParts } from '../runtime-parts.ts';
import type { Seen } from '../runtime.ts';

/** Who is told of what others do to the containers. */
export interface DriftListener {
  /** What was seen of an instance that runs. Answers false when that was in the middle of something, and is to be looked at again. */
  readonly seen: (id: string, instanceID: string, seen: Seen) => boolean;
  /** Something around a container was changed; the message says what became of it. */
  readonly tell: (id: string, reason: string, message: string) => void;
  /** A container that hob knows nothing of was in hob's own crun root, and was removed. */
  readonly stranger: (id: string) => void;
}

/** Notices what others do to the cgroups of containers that run: the kernel tells which were written to, and only those are looked at. */
export interface DriftWatch {
  /** Watch those that run by now, look at those that were written to, let go of those that have ended. */
  look(instances: ReadonlyMap<string, Instance>): void;
  close(): void;
}

/** At one look: each costs a quarter of a millisecond, in which hob does nothing else. */
const mostBegun = 150;

type DriftParts = Pick<RuntimeParts, 'cgroups' | 'warn'>;

export function createDriftWatch(parts: DriftParts, onSeen: DriftListener['seen']): DriftWatch {
  /** Each with how to stop watching it. */
  const watched = new Map<Instance, () => void>();
  const written = new Set<Instance>();
  let hasWarned = false;

  function begin(instance: Instance): void {
    // Looked at only after that, so nothing falls in between.
    watched.set(instance, watchOrWarn(instance));
    written.add(instance);
  }

  function watchOrWarn(instance: Instance): () => void {
    try {
      return watchCgroup(instance.record.cgroupsPath, parts.cgroups, () => written.add(instance));
    } catch (error) {
      if (!hasWarned) parts.warn(cannotWatch(instance.id, error));
      hasWarned = true;
      return () => undefined;
    }
  }

  function end(instance: Instance, stop: () => void): void {
    stop();
    watched.delete(instance);
    written.delete(instance);
  }

  function lookAt(instance: Instance): void {
    written.delete(instance);
    if (!instance.init || !livingStat(instance.init)) return;
    if (!onSeen(instance.id, instance.record.instanceID, newsOf(instance, parts))) written.add(instance);
  }

  return {
    look(instances) {
      for (const [instance, stop] of watched)
        if (instance.exit || instances.get(instance.id) !== instance) end(instance, stop);
      const fresh = [...instances.values()].filter((instance) => runs(instance) && !watched.has(instance));
      fresh.slice(0, mostBegun).forEach(begin);
      [...written].forEach(lookAt);
    },
    close: () => watched.forEach((stop, instance) => end(instance, stop)),
  };
}

/** It had an init that hob knows, and no end so far. */
const runs = ({ exit, init }: Instance): boolean => exit === undefined && init?.pidfd !== undefined;

/** Limits that are as hob's own setting has left them are no news: setting them again would never end. */
function newsOf(instance: Instance, { cgroups }: DriftParts): Seen {
  const limits = wrongLimitsOf(instance, cgroups);
  const isAsLeft = limits.join() === instance.unmendable?.join();
  return { paused: isFrozen(instance.record.cgroupsPath, cgroups), limits: isAsLeft ? [] : limits };
}

const cannotWatch = (id: string, error: unknown): string =>
  `the cgroup of ${id} cannot be watched (${wordsOf(error)}): who pauses it or changes its limits is not noticed; ` +
  `raise the sysctl fs.inotify.max_user_watches (now ${watchesNow()})`;

function watchesNow(): string {
  try {
    return readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
