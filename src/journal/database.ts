import { closeSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Logger } from 'pino';
import { codeOf, wordsOf } from '../host/errors.ts';
import { isBroken, journalError } from './failures.ts';
import { migrate, schemaVersion, versionOf } from './schema.ts';

/** Where the journal tells people that it had to begin anew. */
export type JournalLog = Pick<Logger, 'warn'>;

/**
 * Open the journal's file, make it where there is none, bring it to the newest shape, and prepare the statements.
 * A file that is beyond use (damaged, no journal at all, written by a newer hob) is kept aside and a new one begun:
 * what runs is found again by looking, so an old journal is never a reason not to start.
 * @throws Error with what to do when the place cannot be written, is full, or belongs to another hob
 */
export function openDatabase<Tables>(
  path: string,
  log: JournalLog,
  prepare: (db: DatabaseSync) => Tables,
): Opened<Tables> {
  try {
    return openSound(path, prepare);
  } catch (error) {
    if (!isBroken(error) && !(error instanceof UnusableFile)) throw journalError(path, 'open', error);
    keepAside(path, error, log);
  }
  try {
    return openSound(path, prepare);
  } catch (error) {
    throw journalError(path, 'open', error);
  }
}

interface Opened<Tables> {
  readonly db: DatabaseSync;
  readonly tables: Tables;
}

/** A file that SQLite can read and hob can't use. */
class UnusableFile extends Error {}

function openSound<Tables>(path: string, prepare: (db: DatabaseSync) => Tables): Opened<Tables> {
  makeFile(path);
  const db = new DatabaseSync(path, { timeout: 1_000 });
  try {
    // Exclusive: a second hob on the same file is refused at once, and no shared-memory file is needed.
    db.exec('PRAGMA locking_mode = EXCLUSIVE');
    refuseUnknown(db);
    refuseDamaged(db);
    settle(db);
    migrate(db);
    return { db, tables: prepare(db) };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** SQLite would make it too, but readable by everybody; its side files take over the mode of this one. */
function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}

function settle(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  // The journal is a few MB and is read at start only: hob's memory is better spent elsewhere.
  db.exec('PRAGMA cache_size = -512; PRAGMA journal_size_limit = 4194304; PRAGMA temp_store = MEMORY');
}

function refuseUnknown(db: DatabaseSync): void {
  const version = versionOf(db);
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (version === 0 && !isEmpty) throw new UnusableFile('it is a database, but not one of hob');
  if (version <= schemaVersion) return;
  throw new UnusableFile(
    `it was written by a newer hob (version ${version} of the tables; this hob knows up to ${schemaVersion})`,
  );
}

function refuseDamaged(db: DatabaseSync): void {
  const verdict = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (verdict !== 'ok') throw new UnusableFile(`its content is damaged: ${String(verdict)}`);
}

function keepAside(path: string, reason: unknown, log: JournalLog): void {
  const aside = `${path}.broken-${new Date().toISOString().replaceAll(':', '-')}`;
  for (const suffix of ['', '-wal', '-shm']) moveIfThere(path + suffix, aside + suffix);
  const words = wordsOf(reason);
  log.warn(
    { journal: path, keptAs: aside },
    `the journal ${path} cannot be used (${words}); it is kept as ${aside} and a new one is begun. ` +
      'Containers that run stay as they are and will be found again; restart counts and past events start from zero.',
  );
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw new Error(`cannot move the broken journal ${from} to ${to}; move it away by hand`, { cause: error });
  }
}
