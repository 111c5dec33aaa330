import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { catchUp } from './catch-up.ts';
import { containerTable, rowOf } from './containers.ts';
import { openCopies } from './copies.ts';
import type { Copies } from './copies.ts';
import type { JournalLog } from './database.ts';
import { openDatabase } from './database.ts';
import { eventRing } from './event-ring.ts';
import { journalError } from './failures.ts';
import { hookCallTable } from './hook-calls.ts';
import type { Journal } from './journal.ts';
import { newsOf } from './news.ts';
import { text } from './rows.ts';

export interface JournalOptions {
  readonly path: string;
  /** Where the copies are kept: a directory of this journal's own that does not outlive the host's boot. */
  readonly copiesDir: string;
  readonly log: JournalLog;
}

/**
 * Open the journal, a SQLite database at `path` (made, with its folder, where there is none).
 *
 * A damaged file, or one of a newer hob, is kept aside and a new one begun; what the copies know of containers is in it at once, and `news`
 * tells. Every write is in the file when it returns (write-ahead log; for what a power cut may lose see journal.ts), and throws an Error that
 * names the file and the cure when it can't be: then it is in the copies alone, and later writes work again as soon as the cause is gone.
 * @throws Error when the file can be made or written nowhere, or another process holds it
 */
export function openJournal({ path, copiesDir, log }: JournalOptions): Journal {
  const copies = openCopies(copiesDir, log);
  const place = { path, spare: join(copiesDir, 'journal.db') };
  const { db, tables, ...opened } = openDatabase(place, (each) => prepareTables(each, copies, log));
  const { containers, hookCalls, ring, facts, caughtUp } = tables;
  let { revision } = caughtUp;

  const reading = <Result>(read: () => Result): Result => explained('read', read);
  const writing = <Result>(write: () => Result): Result => explained('write', () => inTransaction(db, write));
  function explained<Result>(action: 'read' | 'write', work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw journalError(path, action, error);
    }
  }

  return {
    news: newsOf(path, opened, caughtUp.restored),
    containers: () => reading(() => containers.all()),
    // One statement is a transaction by itself; spelling it out would cost a tenth more.
    save: (record, owesHooks) => {
      const row = rowOf(record, ++revision);
      const save = (): void => explained('write', () => containers.save(row));
      try {
        if (owesHooks) onDisk(db, save);
        else save();
      } finally {
        copies.save(row);
      }
    },
    forget: (id) => {
      onDisk(db, () =>
        writing(() => {
          containers.remove(id);
          hookCalls.removeAllOf(id);
        }),
      );
      // What is forgotten here alone would come back from the journal.
      copies.remove(id);
    },
    beginHook: (call) => explained('write', () => hookCalls.beginHook(call)),
    endHook: (call) => explained('write', () => hookCalls.endHook(call)),
    hookCalls: (containerID, instanceID) => reading(() => hookCalls.hookCalls(containerID, instanceID)),
    addEvent: (event) => writing(() => ring.addEvent(event)),
    events: (filter) => reading(() => ring.events(filter)),
    fact(name) {
      const row = reading(() => facts.read(name));
      return row && text(row, 'value');
    },
    setFact: (name, value) => {
      onDisk(db, () => explained('write', () => facts.write(name, value)));
      copies.setFact(name, value);
    },
    close: () => db.close(),
  };
}

function prepareTables(db: DatabaseSync, copies: Copies, log: JournalLog) {
  const tables = {
    containers: containerTable(db, log),
    facts: factTable(db),
    hookCalls: hookCallTable(db),
    ring: eventRing(db),
  };
  // Once it is certain that the file is a journal: one that is not is kept as it was.
  const caughtUp = inTransaction(db, () => catchUp(tables.containers, tables.facts.write, copies));
  return { ...tables, caughtUp };
}

function factTable(db: DatabaseSync) {
  const read = db.prepare('SELECT value FROM fact WHERE name = ?');
  const write = db.prepare('INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)');
  return {
    read: (name: string) => read.get(name),
    write: (name: string, value: string) => void write.run(name, value),
  };
}

/**
 * Wait until the disk has it, for what a power cut must not lose. Everything else the kernel has when the call returns, so that hob's own
 * death cannot lose it; with many starts at once that saves most of the time that writes take of hob.
 */
function onDisk<Result>(db: DatabaseSync, write: () => Result): Result {
  db.exec('PRAGMA synchronous = FULL');
  try {
    return write();
  } finally {
    db.exec('PRAGMA synchronous = NORMAL');
  }
}

function inTransaction<Result>(db: DatabaseSync, work: () => Result): Result {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite rolls back by itself on some errors, a full disk among them.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
