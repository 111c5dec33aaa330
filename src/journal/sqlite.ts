import type { DatabaseSync } from 'node:sqlite';
import { containerTable } from './containers.ts';
import type { JournalLog } from './database.ts';
import { openDatabase } from './database.ts';
import { eventRing } from './event-ring.ts';
import { journalError } from './failures.ts';
import { hookCallTable } from './hook-calls.ts';
import type { Journal } from './journal.ts';
import { text } from './rows.ts';

/**
 * Open the journal, a SQLite database at `path` (made, with its folder, where there is none).
 *
 * A damaged file, or one of a newer hob, is kept aside and a new one begun; `log` tells. Every write is in the file when it
 * returns (write-ahead log; for what a power cut may lose see journal.ts), and throws an Error that names the file and the cure when it can't be:
 * then nothing of it was written, and later writes work again as soon as the cause is gone.
 * @throws Error when the file cannot be made, read or written, or another process holds it
 */
export function openJournal({ path, log }: { readonly path: string; readonly log: JournalLog }): Journal {
  const { db, tables } = openDatabase(path, log, (opened) => prepareTables(opened, log));
  const { containers, hookCalls, ring, facts } = tables;

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
    containers: () => reading(() => containers.all()),
    // One statement is a transaction by itself; spelling it out would cost a tenth more.
    save: (record, owesHooks) => {
      const save = (): void => explained('write', () => containers.save(record));
      if (owesHooks) onDisk(db, save);
      else save();
    },
    forget: (id) =>
      onDisk(db, () =>
        writing(() => {
          containers.remove(id);
          hookCalls.removeAllOf(id);
        }),
      ),
    beginHook: (call) => explained('write', () => hookCalls.beginHook(call)),
    endHook: (call) => explained('write', () => hookCalls.endHook(call)),
    hookCalls: (containerID, instanceID) => reading(() => hookCalls.hookCalls(containerID, instanceID)),
    addEvent: (event) => writing(() => ring.addEvent(event)),
    events: (filter) => reading(() => ring.events(filter)),
    fact(name) {
      const row = reading(() => facts.read.get(name));
      return row && text(row, 'value');
    },
    setFact: (name, value) => onDisk(db, () => explained('write', () => void facts.write.run(name, value))),
    close: () => db.close(),
  };
}

function prepareTables(db: DatabaseSync, log: JournalLog) {
  return {
    containers: containerTable(db, log),
    hookCalls: hookCallTable(db),
    ring: eventRing(db),
    facts: {
      read: db.prepare('SELECT value FROM fact WHERE name = ?'),
      write: db.prepare('INSERT OR REPLACE INTO fact (name, value) VALUES (?, ?)'),
    },
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
