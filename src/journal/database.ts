import { renameSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { codeOf, wordsOf } from '../host/errors.ts';
import { makeFile } from './database-file.ts';
import { bringHome, takeAlong } from './elsewhere.ts';
import { isBroken, isTaken, journalError } from './failures.ts';
import { migrate, schemaVersion, versionOf } from './schema.ts';

/** Where the journal tells people what it cannot tell by an event. */
export type JournalLog = Pick<Logger, 'warn'>;

export interface JournalPlace {
  readonly path: string;
  /** Where the journal is kept when nothing can be written at `path`. */
  readonly spare: string;
}

export interface Opened<Tables> {
  readonly db: DatabaseSync;
  readonly tables: Tables;
  /** There was nothing in the file, or nothing of use. */
  readonly isNew: boolean;
  /** What was wrong with the file that was there, and where it is kept. */
  readonly kept?: string;
  /** Why the journal is at `spare`, and what to do. */
  readonly elsewhere?: string;
}

type Prepare<Tables> = (db: DatabaseSync) => Tables;

/**
 * Open the journal's file, make it where there is none, bring it to the newest shape, and prepare the statements.
 * A file that is beyond use (damaged, no journal at all, written by a newer hob) is kept aside and a new one begun; where nothing can be
 * written, the journal is kept elsewhere: containers that run need a hob more than hob needs its journal.
 * @throws Error with what to do when it belongs to another hob, or can be written nowhere
 */
export function openDatabase<Tables>(place: JournalPlace, prepare: Prepare<Tables>): Opened<Tables> {
  try {
    bringHome(place.path, place.spare);
    return openOrBeginAnew(place.path, prepare);
  } catch (error) {
    const why = journalError(place.path, 'open', error);
    if (isTaken(error)) throw why;
    return openElsewhere(place, prepare, why);
  }
}

function openElsewhere<Tables>({ path, spare }: JournalPlace, prepare: Prepare<Tables>, why: Error): Opened<Tables> {
  try {
    takeAlong(path, spare);
    return { ...openOrBeginAnew(spare, prepare), elsewhere: why.message };
  } catch {
    throw why;
  }
}

function openOrBeginAnew<Tables>(path: string, prepare: Prepare<Tables>): Opened<Tables> {
  try {
    return openSound(path, prepare);
  } catch (error) {
    if (!isBroken(error) && !(error instanceof UnusableFile)) throw error;
    const kept = `${wordsOf(error)}; it is kept as ${keepAside(path)}`;
    return { ...openSound(path, prepare), kept };
  }
}

/** A file that SQLite can read and hob can't use. */
class UnusableFile extends Error {}

function openSound<Tables>(path: string, prepare: Prepare<Tables>): Opened<Tables> {
  makeFile(path);
  const db = new DatabaseSync(path, { timeout: 1_000 });
  try {
    // Exclusive: a second hob on the same file is refused at once, and no shared-memory file is needed.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    const isNew = refuseUnknown(db) === 0;
    refuseDamaged(db);
    settle(db);
    migrate(db);
    const tables = prepare(db);
    proveWritable(db);
    return { db, tables, isNew };
  } catch (error) {
    db.close();
    throw error;
  }
}

function settle(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  // The journal is a few MB and is read at start only: hob's memory is better spent elsewhere.
  db.exec('PRAGMA cache_size = -512; PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY');
}

/** A full disk is noticed by whoever writes first: better here, where something else can be done. */
function proveWritable(db: DatabaseSync): void {
  db.exec(`PRAGMA user_version = ${schemaVersion}`);
}

/** @returns the version of the tables; 0 when there are none yet */
function refuseUnknown(db: DatabaseSync): number {
  const version = versionOf(db);
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (version === 0 && !isEmpty) throw new UnusableFile('it is a database, but not one of hob');
  if (version <= schemaVersion) return isEmpty ? 0 : version;
  throw new UnusableFile(
    `it was written by a newer hob (version ${version} of the tables; this hob knows up to ${schemaVersion})`,
  );
}

function refuseDamaged(db: DatabaseSync): void {
  const verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok') throw new UnusableFile(`its content is damaged: ${String(verdict)}`);
}

/** @returns where it is now */
function keepAside(path: string): string {
  const aside = `${path}.broken-${new Date().toISOString().replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal', '-shm']) moveIfThere(path + suffix, aside + suffix);
  return aside;
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
}
