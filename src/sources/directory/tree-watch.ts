/** The kernel's events about the folder and the way to it, as hints: what they say is never believed, only looked after. */

import type { Stats } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { isHidden, isSpecName } from './names.ts';
import { lstatOf } from './place.ts';
import type { Hint } from './settling.ts';
import { leadsUp, MAX_DEPTH, MAX_FOLDERS } from './tree.ts';

export interface Hints {
  /** Something may have happened to this file (a name relative to the folder). */
  file(name: string, what: Hint): void;
  /** Something may have happened to folders or links: all is to be looked at. */
  folder(): void;
  /** Whether the folder of this name was there at the last look. */
  isFolder(name: string): boolean;
  /** The kernel does not watch (all of) it. */
  failed(error: unknown): void;
}

export interface TreeWatch {
  /** From then on no event is missed. */
  readonly ready: Promise<void>;
  /** No hint comes after this was called. */
  close(): Promise<void>;
}

/** Watch the folder `real` (a path without links) and all beneath it. */
export async function watchTree(real: string, hints: Hints): Promise<TreeWatch> {
  const { watch } = await import('chokidar');
  const ready = Promise.withResolvers<void>();
  const watcher = watch(real, {
    ignoreInitial: true,
    // It would hold back removals for 100 ms, and we look for ourselves.
    atomic: false,
    depth: MAX_DEPTH,
    ignored: ignoring(real),
    // Said, with the folder's name, by the look at the tree.
    ignorePermissionErrors: true,
  });
  watcher.on('raw', (event, name, details) => interpret(real, hints, event, name, watchedPathOf(details) ?? real));
  // For what was there before its folder was watched, and so has no raw event.
  watcher.on('all', (event, path) => {
    if (isSpecName(basename(path))) hints.file(relative(real, path), 'found');
    else if (event === 'addDir' || event === 'unlinkDir') hints.folder();
  });
  watcher.on('error', (error) => hints.failed(error));
  watcher.once('ready', () => ready.resolve());
  const close = (): Promise<void> => {
    ready.resolve();
    // What cannot be closed was of a folder that is gone, and is closed with it.
    return watcher.close().catch(() => undefined);
  };
  return { ready: ready.promise, close };
}

/** Keeps chokidar to the folders that are looked at, and to specs. */
function ignoring(real: string): (path: string, stats?: Stats) => boolean {
  const folders = new Set<string>();
  return (path, stats) => {
    if (path === real) return false;
    const name = basename(path);
    if (relative(real, path).split('/').some(isHidden)) return true;
    if (!stats || isSpecName(name)) return false;
    if (stats.isSymbolicLink()) return !leadsToAnother(real, path);
    if (!stats.isDirectory()) return true;
    if (folders.size < MAX_FOLDERS) folders.add(path);
    return !folders.has(path);
  };
}

function leadsToAnother(real: string, link: string): boolean {
  try {
    return !leadsUp(real, link);
  } catch {
    return false;
  }
}

/** chokidar gives the details of a raw event as unknown. */
const watchedPathOf = (details: unknown): string | undefined =>
  typeof details === 'object' && details !== null && 'watchedPath' in details && typeof details.watchedPath === 'string'
    ? details.watchedPath
    : undefined;

function interpret(real: string, hints: Hints, event: Hint, name: string | null, watched: string): void {
  const folder = relative(real, watched);
  // A link's target is watched on its behalf; the event then names the target, and `watched` is the link.
  if (folder !== '' && isSpecName(basename(watched))) return hints.file(folder, event);
  if (name === null) return hints.folder();
  const subject = join(folder, name);
  if (isSpecName(name)) hints.file(subject, event);
  // The folder's own removal, renaming or chmod comes under its own name. And only a folder or a link among the other names matters.
  if (name === basename(watched) || hints.isFolder(subject) || mattersBeside(join(watched, name))) hints.folder();
}

function mattersBeside(path: string): boolean {
  const stats = isSpecName(basename(path)) ? undefined : lstatOf(path);
  if (!stats) return false;
  return stats.isSymbolicLink() || (stats.isDirectory() && !isHidden(basename(path)));
}
