/** Everything that the kernel is asked to watch for one folder: the tree, and the way to it. */

import { codeOf, wordsOf } from '../../host/errors.ts';
import { createGateWatch, gatesTo } from './gates.ts';
import type { DirectoryOptions } from './options.ts';
import { isSamePlace, type Place } from './place.ts';
import { watchTree, type Hints, type TreeWatch } from './tree-watch.ts';

export interface Watches {
  /** Watch the way to the path. True when it was not watched before: something may have happened there that nobody heard of. */
  followWay(): boolean;
  /** Watch the tree that is there, and no other. Resolves when no event is missed from then on. */
  followTree(place: Place | undefined): Promise<void>;
  /** Begin anew with the next `follow...`. */
  renew(): void;
  /** Whether the kernel refused something since it was all begun anew. */
  readonly isFaulty: boolean;
  close(): Promise<void>;
}

export type WatchesOptions = Pick<DirectoryOptions, 'path' | 'log' | 'rescanSeconds'> & {
  readonly hints: Omit<Hints, 'failed'>;
};

export function createWatches({ path, log, rescanSeconds, hints }: WatchesOptions): Watches {
  let watched: Place | undefined;
  let tree: TreeWatch | undefined;
  let isFaulty = false;
  let isClosed = false;
  /** As it was last said, so that it is said once. */
  let fault: string | undefined;
  const gates = createGateWatch({ swung: hints.folder, failed });

  function failed(error: unknown): void {
    isFaulty = true;
    const why = whyUnwatched(path, error, rescanSeconds);
    if (fault !== why) log.warn({ path }, why);
    fault = why;
  }

  async function followTree(place: Place | undefined): Promise<void> {
    if (tree && isSamePlace(watched, place)) return;
    // A watcher that is still open for that path would be shared, and may be of the folder that was there before.
    await tree?.close();
    tree = undefined;
    watched = place;
    if (!place) return;
    tree = await watchTree(place.real, { ...hints, failed });
    if (isClosed) await tree.close();
    await tree.ready;
    if (!isFaulty && fault !== undefined) log.info({ path }, `the kernel watches all of ${path} again`);
    if (!isFaulty) fault = undefined;
  }

  function renew(): void {
    gates.close();
    watched = undefined;
    isFaulty = false;
  }

  return {
    followWay: () => gates.update(gatesTo(path)),
    followTree,
    renew,
    get isFaulty() {
      return isFaulty;
    },
    close: async () => {
      isClosed = true;
      gates.close();
      await tree?.close();
    },
  };
}

/** For people: the kernel refused to watch, what follows from it, and the cure. */
function whyUnwatched(path: string, error: unknown, rescanSeconds: number): string {
  const consequence = `changes in ${path} may be seen up to ${rescanSeconds} s late`;
  switch (codeOf(error)) {
    case 'ENOSPC':
      return `the kernel's inotify watches are used up, so ${consequence}; cure: sysctl -w fs.inotify.max_user_watches=524288`;
    case 'EMFILE':
      return `inotify instances or file descriptors are used up, so ${consequence}; cure: sysctl -w fs.inotify.max_user_instances=1024, or a higher ulimit -n`;
    default:
      return `the kernel does not watch all that it should (${wordsOf(error)}), so ${consequence}`;
  }
}
