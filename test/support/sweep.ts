import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { unmount } from '../../src/host/libc.ts';
import { mountsOf } from '../../src/host/mounts.ts';
import { parentsIn, processesOf, removeCgroup, thaw } from './cgroups.ts';
import { commandLinesWith, killIfAlive } from './processes.ts';

/** Where there may be something of a hob. */
export interface Swept {
  /** Part of the command line of all that it starts for itself. */
  readonly dir: string;
  readonly cgroupParent: string;
}

const lookAgainMs = 5;
const mostLooks = 1000;

/** End and undo whatever a hob left, with no help of hob: what it left may be the very thing that is wrong. */
export async function sweep(places: Swept): Promise<void> {
  for (const _ of untilSwept(places)) await delay(lookAgainMs);
}

/** As `sweep` does, while nothing else of this process goes on that could begin it all anew. */
export function sweepAtOnce(places: Swept): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (const _ of untilSwept(places)) Atomics.wait(nobody, 0, 0, lookAgainMs);
}

/** Comes back whenever there is something to wait for. */
function* untilSwept(places: Swept): Generator<void> {
  yield* untilTrue('processes do not end', () => endLeft(places));
  unmountAll(places);
  yield* untilTrue('cgroups cannot be removed', () =>
    parentsIn(places.cgroupParent)
      .map(({ path }) => removeCgroup(path))
      .every(Boolean),
  );
}

/** Answers whether nothing was left. */
function endLeft({ dir, cgroupParent }: Swept): boolean {
  const named = commandLinesWith(`${dir}/`).keys();
  const parents = parentsIn(cgroupParent).flatMap(({ path, isCgroup }) => (isCgroup ? path : []));
  parents.forEach(thaw);
  const left = [...named, ...parents.flatMap(processesOf)];
  left.forEach(killIfAlive);
  return left.length === 0;
}

/** In the namespace of this process, that is: another one goes with its last process. */
function unmountAll({ dir }: Swept): void {
  const mounts = mountsOf(readFileSync('/proc/self/mountinfo', 'utf8'));
  const own = mounts.filter(({ mountPoint }) => mountPoint.startsWith(`${dir}/`));
  for (const { mountPoint } of own.reverse()) unmount(mountPoint, { detach: true });
}

function* untilTrue(otherwise: string, holds: () => boolean): Generator<void> {
  for (let looks = 1; !holds(); looks += 1) {
    if (looks === mostLooks) throw new Error(`${otherwise}, however long one waits`);
    yield;
  }
}
