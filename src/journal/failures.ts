/** What SQLite's complaints mean for somebody who has to do something about them. */

import { codeOf, wordsOf } from '../host/errors.ts';
import { lacksInodes } from '../host/room.ts';

const busy = 5;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;
const genericError = 1;

/** SQLite's primary result code of an error that `node:sqlite` or `node:fs` threw; undefined for any other error. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode & 0xff;
  if (!('errno' in error)) return undefined;
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error)) ? full : cannotOpen;
}

/** The file itself is beyond use (as against a full disk, a missing permission, a lock). */
export function isBroken(error: unknown): boolean {
  const code = resultCode(error);
  // A generic error while the fixed statements are prepared means that the tables are not those of a journal.
  return code === corrupt || code === notADatabase || code === genericError;
}

/** Another process has it. */
export const isTaken = (error: unknown): boolean => resultCode(error) === busy;

type Action = 'open' | 'read' | 'write';

const fullMeans: Readonly<Record<Action, string>> = {
  open: ', then start hob again; containers that run go on meanwhile.',
  read: '.',
  write: '; until then, what hob does is not recorded.',
};

/** Turn what SQLite said about `path` into a message that says what to do. */
export function journalError(path: string, action: Action, error: unknown): Error {
  const words = wordsOf(error);
  return new Error(`cannot ${action} the journal ${path}: ${words}. ${cure(path, action, resultCode(error))}`, {
    cause: error,
  });
}

function cure(path: string, action: Action, code: number | undefined): string {
  switch (code) {
    case full:
      if (lacksInodes(path)) return noInodes(path);
      return `The disk is full: free some space on the file system that holds ${path}${fullMeans[action]}`;
    case busy:
      return 'Another process has it open, perhaps another hob: give each hob its own --state-dir.';
    case readOnly:
    case cannotOpen:
      if (lacksInodes(path)) return noInodes(path);
      return 'hob must be able to write this file and its folder: make them writable, or choose another place with --state-dir.';
    case ioError:
      return 'The disk reports errors (see `dmesg`): check the file system, or choose another place with --state-dir.';
    case corrupt:
    case notADatabase:
      return 'The file is damaged: restart hob, which keeps it aside and begins a new one; running containers stay as they are.';
    default:
      return 'Restart hob; if it stays, move the file away: running containers are found again.';
  }
}

const noInodes = (path: string): string =>
  `No inode is left on the file system that holds ${path}: remove files there, empty ones too.`;
