import { type FSWatcher, statSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import type { HookLog } from '../registered-plugin.ts';

/** Watches a set of folders that changes with what is found in them. */
export interface FolderWatch {
  /**
   * Watch these from now on, and no others. One that is not there is watched for at its nearest parent that is.
   * @returns whether there are new ones among them, in which something may have changed just before
   */
  watch(folders: readonly string[]): boolean;
  close(): void;
}

/** @param onChange told of every event, many for one change; some changes go unnoticed, so look yourself now and then */
export function watchFolders(onChange: () => void, log: HookLog): FolderWatch {
  let watchers = new Map<string, FSWatcher>();

  /** A folder that was replaced has another inode, and a watcher of the old one would hear nothing more. */
  function open(key: string, path: string): FSWatcher | undefined {
    const kept = watchers.get(key);
    if (kept) return kept;
    try {
      return watch(path, onChange).on('error', onChange);
    } catch (error) {
      log.warn({ path, err: error }, 'cannot watch a plugin folder; it is looked at every minute');
      return undefined;
    }
  }

  function replace(next: Map<string, FSWatcher>): void {
    for (const [key, watcher] of watchers) if (!next.has(key)) watcher.close();
    watchers = next;
  }

  return {
    watch(folders) {
      const next = new Map<string, FSWatcher>();
      for (const path of new Set(folders.map(nearestFolder))) {
        const key = identify(path);
        const watcher = open(key, path);
        if (watcher) next.set(key, watcher);
      }
      const hasNew = [...next.keys()].some((key) => !watchers.has(key));
      replace(next);
      return hasNew;
    },
    close: () => replace(new Map()),
  };
}

function nearestFolder(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() || path === '/' ? path : nearestFolder(dirname(path));
}

function identify(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return `${path}\0${stats?.dev}\0${stats?.ino}`;
}
