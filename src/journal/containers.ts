import type { DatabaseSync } from 'node:sqlite';
import type { JournalLog } from './database.ts';
import type { ContainerRecord } from './journal.ts';
import type { Row } from './rows.ts';
import { number, text } from './rows.ts';

/** The container part of the journal. */
export interface ContainerTable {
  all(): ContainerRecord[];
  save(record: ContainerRecord): void;
  remove(id: string): void;
}

export function containerTable(db: DatabaseSync, log: JournalLog): ContainerTable {
  const all = db.prepare('SELECT * FROM container ORDER BY namespace, name');
  const save = db.prepare(`
    INSERT INTO container (id, uid, namespace, name, state, machine_version, context)
    VALUES (:id, :uid, :namespace, :name, :state, :machineVersion, :context)
    ON CONFLICT (id) DO UPDATE SET
      uid = excluded.uid, namespace = excluded.namespace, name = excluded.name, state = excluded.state,
      machine_version = excluded.machine_version, context = excluded.context`);
  const remove = db.prepare('DELETE FROM container WHERE id = ?');
  return {
    all: () => all.all().flatMap((row) => readRecord(row, log)),
    save({ id, uid, namespace, name, state, machineVersion, context }) {
      save.run({ id, uid, namespace, name, state, machineVersion, context: JSON.stringify(context ?? null) });
    },
    remove: (id) => void remove.run(id),
  };
}

/** A record that cannot be read is one container found again by looking, not a reason to lose the others. */
function readRecord(row: Row, log: JournalLog): ContainerRecord[] {
  try {
    return [
      {
        id: text(row, 'id'),
        uid: text(row, 'uid'),
        namespace: text(row, 'namespace'),
        name: text(row, 'name'),
        state: text(row, 'state'),
        machineVersion: number(row, 'machine_version'),
        context: JSON.parse(text(row, 'context')),
      },
    ];
  } catch (error) {
    const name = `${text(row, 'namespace')}/${text(row, 'name')}`;
    log.warn({ container: name, err: error }, `the journal's record of ${name} cannot be read and is passed over`);
    return [];
  }
}
