/** The spec files of one folder: what is done about a hint, about each file at a look at everything, and at its end. */

import { join } from 'node:path';
import type { SourceSink } from '../source.ts';
import { createAbsences } from './absences.ts';
import { createDeclared, type Declared } from './declared.ts';
import type { DirectoryOptions } from './options.ts';
import { folderOf } from './names.ts';
import { createSettling, type Hint } from './settling.ts';
import { isLeftAlone, look, type FileSight, type Sight } from './sight.ts';
import type { Tree } from './tree.ts';

type Listing = Pick<Tree, 'specs' | 'dangling'>;

export interface Files {
  hint(name: string, what: Hint): void;
  /**
   * See to one file that the look at everything found.
   * @param folder the folder that was looked at (a path without links)
   * @param isPublished it came as part of a whole that was put in place complete
   * @returns whether that was news: something was told of it
   */
  visit(folder: string, name: string, isPublished: boolean): boolean;
  /**
   * See to the files that the look at everything did not find.
   * @param isOutOfSight whether the look could not see what is there under this name
   * @returns whether that was news: a file is missing that was not known to be
   */
  conclude(folder: string, tree: Listing, isOutOfSight: (name: string) => boolean): boolean;
  /** The folder cannot be read: being missing means nothing. */
  forgetAbsences(): void;
  declared(): string[];
  /** Found, but not yet told of: they are still being written, or not yet certain to be gone. */
  outstanding(): string[];
  stop(): void;
}

export interface FilesOptions extends Pick<DirectoryOptions, 'path' | 'trust' | 'settleMs' | 'removeMs'> {
  readonly sink: Pick<SourceSink, 'declare' | 'withdraw'>;
  /** Where the path leads (a path without links); undefined while it cannot be read. */
  real(): string | undefined;
  /** Whether the folder of this name is still the one of the last look. */
  isSameFolder(name: string): boolean;
  /** Ask for a look at everything. */
  confirm(): void;
  /** The file of this name is not outstanding any more. */
  isSettled(name: string): void;
}

const DANGLING = 'is a symbolic link to something that does not exist; make that, or remove the link';
const SLOW = 'is still being written; it is read as soon as it has not changed for a moment';

export function createFiles(options: FilesOptions): Files {
  const { settleMs, removeMs, real, isSameFolder, confirm, isSettled } = options;
  const declared: Declared = createDeclared(options);
  const absences = createAbsences(removeMs, confirm);
  const settling = createSettling({ settleMs, look: see, isComplete, take, isSlow, isDone });

  /** After a hint. A folder that hides its files is a matter for a look at everything. */
  function see(name: string): FileSight | undefined {
    const folder = real();
    const sight = folder === undefined ? undefined : look(folder, name);
    if (sight?.kind === 'unseen') confirm();
    return sight && newsIn(name, sight);
  }

  /** The file, when there may be something to tell of it. What is no file is dealt with here. */
  function newsIn(name: string, sight: Sight): FileSight | undefined {
    if (sight.kind === 'file' || sight.kind === 'odd') absences.clear(name);
    else if (sight.kind === 'dangling' || (sight.kind !== 'unseen' && declared.has(name))) absences.note(name);
    if (sight.kind === 'odd') declared.refuse(name, sight.why);
    return sight.kind === 'file' && declared.isNews(name, sight) ? sight : undefined;
  }

  /** The events that were heard may be of a folder that was there before, and those of this one may not be heard yet. */
  function isComplete(name: string): boolean {
    const folder = real();
    return folder !== undefined && isSameFolder(folderOf(name)) && isLeftAlone(join(folder, name));
  }

  function take(name: string, sight: FileSight): boolean {
    const folder = real();
    return folder !== undefined && declared.take(folder, name, sight);
  }

  /** One that seems to be gone is settled when that is certain. */
  function isDone(name: string): void {
    if (!absences.has(name)) isSettled(name);
  }

  function isSlow(name: string): void {
    declared.refuse(name, SLOW);
    isSettled(name);
  }

  function visit(folder: string, name: string, isPublished: boolean): boolean {
    const before = declared.tellings();
    const sight = look(folder, name);
    if (sight.kind === 'unseen') declared.refuse(name, sight.why);
    const file = newsIn(name, sight);
    if (file) takeOrWait(folder, name, file, isPublished || declared.isSwapped(name, file));
    return declared.tellings() > before;
  }

  function takeOrWait(folder: string, name: string, sight: FileSight, isPublished: boolean): void {
    const isQuiet = sight.quietMs >= settleMs && !settling.isWaitingFor(name);
    const isTaken = (isQuiet || (isPublished && isLeftAlone(join(folder, name)))) && take(name, sight);
    if (!isTaken || !isQuiet) settling.hint(name, 'found');
  }

  function conclude(folder: string, tree: Listing, isOutOfSight: (name: string) => boolean): boolean {
    const there = new Set(tree.specs);
    const dangling = new Set(tree.dangling);
    const isMissing = (name: string): boolean => !there.has(name) && !dangling.has(name) && !isOutOfSight(name);
    const missing = declared.names().filter(isMissing);
    const absent = new Set([...missing, ...tree.dangling.filter((name) => !declared.isTold(name, DANGLING))]);
    const noted = new Set(absences.names());
    for (const name of noted.difference(absent)) absences.clear(name);
    for (const name of absent) seeOff(folder, name, dangling.has(name));
    return !absent.isSubsetOf(noted);
  }

  function seeOff(folder: string, name: string, leadsNowhere: boolean): void {
    if (!absences.isCertain(name)) return absences.note(name);
    absences.clear(name);
    // It can have come back since the tree was listed.
    const kind = look(folder, name).kind;
    if (kind === 'file' || kind === 'odd') return settling.hint(name, 'found');
    if (leadsNowhere) declared.refuse(name, DANGLING);
    else declared.withdraw(name);
  }

  return {
    hint: settling.hint,
    visit,
    conclude,
    forgetAbsences: absences.clearAll,
    declared: declared.names,
    outstanding: () => [...settling.outstanding(), ...absences.names()],
    stop: () => {
      settling.stop();
      absences.stop();
    },
  };
}
