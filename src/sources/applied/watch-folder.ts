import { mkdirSync, watch } from 'node:fs';
import { identityAt } from '../directory/place.ts';

export interface FolderWatch {
  close(): void;
}

/** A file by hand is often written in pieces. */
const settleMs = 300;
const tryAgainMs = 1_000;

/**
 * Hear that something in a folder has changed, after it has settled. A folder that somebody deletes is made again, empty, as soon as that can
 * be done, and one that somebody else puts in its place is watched instead.
 * @param onChange also called when there is a folder again after there was none
 */
export function watchFolder(directory: string, onChange: () => void): FolderWatch {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FolderWatch | undefined;
  /** The folder that the kernel watches; there may be another at the same path. */
  let watched: string | undefined;
  follow();

  /** Watch the folder that is there, or else a new one. */
  function follow(): void {
    watcher?.close();
    watched = undefined;
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      const identity = identityAt(directory);
      watcher = watch(directory, () => later(settled, settleMs)).on('error', lost);
      watched = identity;
    } catch {
      // The disk is full, or no watch is to be had. Who needs the folder meanwhile says so.
      later(lookAgain, tryAgainMs);
    }
  }

  function later(action: () => void, ms: number): void {
    clearTimeout(timer);
    timer = setTimeout(action, ms);
  }

  function lost(): void {
    watched = undefined;
    later(lookAgain, tryAgainMs);
  }

  const isFollowed = (): boolean => watched !== undefined && watched === identityAt(directory);

  function settled(): void {
    if (!isFollowed()) follow();
    onChange();
  }

  function lookAgain(): void {
    follow();
    if (isFollowed()) onChange();
  }

  return {
    close() {
      clearTimeout(timer);
      watcher?.close();
    },
  };
}
