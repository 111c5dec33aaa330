/** One watched folder: brings together what the kernel tells, the looks at everything, and the files. */

import { join } from 'node:path';
import type { SourceSink } from '../source.ts';
import { createAvailability } from './availability.ts';
import { doubtfulFolders } from './doubts.ts';
import { wordsOf } from '../../host/errors.ts';
import { createFiles } from './files.ts';
import { createLooks, type Cause } from './looks.ts';
import { folderOf, isWithin } from './names.ts';
import type { DirectoryOptions } from './options.ts';
import { identityAt, isSamePlace, locate, type Place } from './place.ts';
import type { Hint } from './settling.ts';
import { listTree, MAX_DEPTH, type Tree } from './tree.ts';
import { eachInTurns } from './turns.ts';
import { createWatches } from './watches.ts';

export interface Folder {
  /** The kernel reports changes from now on, or it was said why not. */
  readonly watching: Promise<void>;
  /** The sink hears nothing after this was called. */
  close(): Promise<void>;
}

export type FolderOptions = DirectoryOptions & { readonly sink: SourceSink };

export function openFolder(options: FolderOptions): Folder {
  const { path, sink, log, rescanSeconds } = options;
  const watching = Promise.withResolvers<void>();
  let isClosed = false;
  /** Where the path led at the last look; undefined while it cannot be read. */
  let place: Place | undefined;
  /** All folders, the watched one ('') among them, as they were when they were last believed. */
  let folders: ReadonlyMap<string, Place> = new Map();
  let aliases: ReadonlySet<string> = new Set();
  let hasBlindSpots = false;
  let warnedOf = '';

  const availability = createAvailability(sink);
  const requestLook = (): void => looks.request();
  const files = createFiles({
    ...options,
    real: () => place?.real,
    isSameFolder: (name) => place !== undefined && folders.get(name)?.identity === identityAt(join(place.real, name)),
    confirm: requestLook,
    isSettled: availability.isSettled,
  });
  const watches = createWatches({
    ...options,
    hints: {
      file: hintOfFile,
      folder: requestLook,
      isFolder: (name) => folders.has(name),
    },
  });
  const isSame = async (): Promise<boolean> => isSamePlace(await locate(path), place);
  const looks = createLooks({ rescanSeconds, look: lookAtAll, isSame });

  function hintOfFile(name: string, what: Hint): void {
    const isKnown = folders.has(folderOf(name));
    if (isKnown) files.hint(name, what);
    else if ([...aliases].some((alias) => isWithin(name, alias))) return;
    // A spec in a folder that was not believed changes what is to be believed.
    if (!isKnown || hasBlindSpots) requestLook();
  }

  async function lookAtAll(cause: Cause): Promise<void> {
    try {
      if (cause === 'rescan' && watches.isFaulty) watches.renew();
      if (watches.followWay()) requestLook();
      const found = await locate(path);
      if (isClosed) return;
      if ('why' in found) await lose(found.why);
      else await lookAt(found, cause);
    } catch (error) {
      await lose(`${path} cannot be read: ${wordsOf(error)}`);
    } finally {
      watching.resolve();
    }
  }

  async function lose(why: string): Promise<void> {
    place = undefined;
    files.forgetAbsences();
    if (!isClosed) availability.failed(why);
    await watches.followTree(undefined);
  }

  async function lookAt(found: Place, cause: Cause): Promise<void> {
    const before = folders.get('');
    place = found;
    await watches.followTree(found);
    watching.resolve();
    if (isClosed) return;
    const tree = listTree(found.real, path);
    warnOfDepth(tree);
    // Whoever makes a link lead elsewhere has written what is there before that.
    const isPublished = before !== undefined && before.real !== found.real;
    let isNews = false;
    await eachInTurns(
      tree.specs,
      (name) => (isNews = files.visit(found.real, name, isPublished) || isNews),
      () => isClosed,
    );
    if (isClosed) return;
    isNews = conclude(found.real, tree) || isNews;
    if (isNews && cause === 'rescan') distrustWatches();
  }

  /** @returns whether files are missing that nobody told of */
  function conclude(real: string, tree: Tree): boolean {
    const blindSpots = new Map([...tree.unseen, ...doubtfulFolders(folders, tree, files.declared(), path)]);
    const isOutOfSight = (name: string): boolean => [...blindSpots.keys()].some((folder) => isWithin(name, folder));
    hasBlindSpots = blindSpots.size > 0;
    aliases = tree.aliases;
    folders = new Map([
      ...[...tree.folders].filter(([name]) => !blindSpots.has(name)),
      ...[...folders].filter(([name]) => isOutOfSight(name)),
    ]);
    const isNews = files.conclude(real, tree, isOutOfSight);
    if (hasBlindSpots) availability.failed(inWords([...blindSpots.values()]));
    else availability.sawAll(files.outstanding());
    return isNews;
  }

  function warnOfDepth({ tooDeep }: Tree): void {
    const [example = ''] = tooDeep;
    if (example !== '' && example !== warnedOf)
      log.warn({ path }, `${join(path, example)} is more than ${MAX_DEPTH} folders deep: what is in there is not read`);
    warnedOf = example;
  }

  function distrustWatches(): void {
    log.debug({ path }, 'the rescan found what no event told of: everything is watched anew');
    watches.renew();
    requestLook();
  }

  return {
    watching: watching.promise,
    close: async () => {
      isClosed = true;
      files.stop();
      watching.resolve();
      await watches.close();
      await looks.stop();
    },
  };
}

const REASONS_SHOWN = 3;

function inWords(reasons: readonly string[]): string {
  const more = reasons.length - REASONS_SHOWN;
  return [...reasons.slice(0, REASONS_SHOWN), ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}
