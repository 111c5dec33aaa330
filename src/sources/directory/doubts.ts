/**
 * Which folders are not believed to be empty.
 *
 * A folder that held specs and now holds none means that its specs were removed, except in one case: another folder, an empty one, is now at
 * the very same path. That is what a mount point looks like after its filesystem went away, and nothing tells it from `rm -r` and
 * `mkdir`. So nothing is removed, hob says so, and believes the folder as soon as it holds a spec again, or after a restart.
 * A sub-folder is doubted only when it is on another filesystem now: the folder that it is in was there all the time, so that
 * removing it and making it again is work that somebody does in the watched folder.
 *
 * Believed at once: the same folder, emptied; another folder that holds at least one spec; and any folder that is reached because
 * a symbolic link on the way was changed (git-sync, ConfigMap), for nobody does that by accident.
 */

import { join } from 'node:path';
import { isWithin } from './names.ts';
import type { Place } from './place.ts';
import type { Tree } from './tree.ts';

/**
 * @param before the folders as they were last believed
 * @param declared names of the specs that are declared
 * @param shown the watched folder as people know it
 * @returns the folders in doubt, with the reason for people
 */
export function doubtfulFolders(
  before: ReadonlyMap<string, Place>,
  { folders, specs }: Pick<Tree, 'folders' | 'specs'>,
  declared: readonly string[],
  shown: string,
): Map<string, string> {
  const doubts = new Map<string, string>();
  for (const [name, place] of folders) {
    if (!isDoubtful(name, before.get(name), place) || specs.some((spec) => isWithin(spec, name))) continue;
    const lost = declared.filter((spec) => isWithin(spec, name)).length;
    if (lost > 0) doubts.set(name, doubt(join(shown, name), lost));
  }
  return doubts;
}

function isDoubtful(name: string, before: Place | undefined, now: Place): boolean {
  if (before?.real !== now.real) return false;
  return name === '' ? before.identity !== now.identity : before.device !== now.device;
}

const doubt = (folder: string, lost: number): string =>
  `${folder} is another folder than before, and empty (is something not mounted?); nothing is removed for the ${lost} spec files that were ` +
  `in it: mount it again, or put a spec there, or restart hob if it is meant to be empty`;
