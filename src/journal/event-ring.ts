import type { DatabaseSync } from 'node:sqlite';
import type { Journal, JournalEvent } from './journal.ts';
import type { Row } from './rows.ts';
import { number, oneOf, text } from './rows.ts';

const kinds = ['Container', 'File', 'Source', 'Plugin', 'Hob'] as const;
/** Room for a day of trouble on a busy host, about 3 MB on disk. */
const ringSize = 10_000;
/** Longer than any message written for people; a plugin may hand over anything. */
const longestMessage = 4_096;

/**
 * The newest events, in the order in which they were last seen. One that is seen again moves to the end, with a new
 * sequence number, so that somebody who reads on from a number misses nothing.
 */
export function eventRing(db: DatabaseSync, size = ringSize): Pick<Journal, 'addEvent' | 'events'> {
  const repeat = db.prepare(`
    UPDATE event SET
      sequence = (SELECT 1 + max(sequence) FROM event), count = count + 1, last_seen = :now, type = :type
    WHERE sequence = (
      SELECT sequence FROM event WHERE name = :name AND namespace = :namespace AND kind = :kind AND reason = :reason
      AND message = :message)
    RETURNING *`);
  const insert = db.prepare(`
    INSERT INTO event (type, reason, message, kind, namespace, name, count, first_seen, last_seen)
    VALUES (:type, :reason, :message, :kind, :namespace, :name, 1, :now, :now)
    RETURNING *`);
  const dropOldest = db.prepare('DELETE FROM event WHERE sequence = (SELECT min(sequence) FROM event)');
  const all = db.prepare(`
    SELECT * FROM event
    WHERE (:namespace IS NULL OR namespace = :namespace) AND (:name IS NULL OR name = :name) ORDER BY sequence`);
  let held = number(db.prepare('SELECT count(*) AS held FROM event').get() ?? {}, 'held');

  return {
    addEvent(event) {
      const { type, reason, regarding } = event;
      const message = event.message.slice(0, longestMessage);
      const subject = { kind: regarding.kind, name: regarding.name, namespace: regarding.namespace ?? '' };
      const values = { ...subject, type, reason, message, now: new Date().toISOString() };
      const repeated = repeat.get(values);
      if (repeated) return readEvent(repeated);
      const added = readEvent(insert.get(values) ?? {});
      if (held < size) held += 1;
      else dropOldest.run();
      return added;
    },
    events: (filter) => all.all({ namespace: filter?.namespace ?? null, name: filter?.name ?? null }).map(readEvent),
  };
}

function readEvent(row: Row): JournalEvent {
  const namespace = text(row, 'namespace');
  return {
    sequence: number(row, 'sequence'),
    type: oneOf(row, 'type', ['Normal', 'Warning']),
    reason: text(row, 'reason'),
    message: text(row, 'message'),
    regarding: {
      kind: oneOf(row, 'kind', kinds),
      name: text(row, 'name'),
      ...(namespace === '' ? {} : { namespace }),
    },
    count: number(row, 'count'),
    firstSeen: text(row, 'first_seen'),
    lastSeen: text(row, 'last_seen'),
  };
}
