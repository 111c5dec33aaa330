import type { DatabaseSync } from 'node:sqlite';
import type { JournalLog } from './database.ts';
import type { ContainerRecord } from './journal.ts';
import type { Row } from './rows.ts';
import { number, text } from './rows.ts';

/** A container as it is written: the context as text, and of two rows the later has the higher revision. */
export interface ContainerRow extends Omit<ContainerRecord, 'context'> {
  readonly revision: number;
  /** JSON, in one line. */
  readonly context: string;
}

/** The container part of the journal. */
export interface ContainerTable {
  all(): ContainerRecord[];
  rows(): ContainerRow[];
  save(row: ContainerRow): void;
  remove(id: string): void;
}

export function containerTable(db: DatabaseSync, log: JournalLog): ContainerTable {
  const all = db.prepare('SELECT * FROM container ORDER BY namespace, name');
  const save = db.prepare(`
    INSERT INTO container (id, uid, namespace, name, state, machine_version, revision, context)
    VALUES (:id, :uid, :namespace, :name, :state, :machineVersion, :revision, :context)
    ON CONFLICT (id) DO UPDATE SET
      uid = excluded.uid, namespace = excluded.namespace, name = excluded.name, state = excluded.state,
      machine_version = excluded.machine_version, revision = excluded.revision, context = excluded.context`);
  const remove = db.prepare('DELETE FROM container WHERE id = ?');
  const rows = (): ContainerRow[] => all.all().map(readRow);
  return {
    all: () => rows().flatMap((row) => recordOf(row, log)),
    rows,
    save: (row) => void save.run({ ...row }),
    remove: (id) => void remove.run(id),
  };
}

export const rowOf = ({ context, ...record }: ContainerRecord, revision: number): ContainerRow => {
  const { id, uid, namespace, name, state, machineVersion } = record;
  return { id, uid, namespace, name, state, machineVersion, revision, context: JSON.stringify(context ?? null) };
};

const readRow = (row: Row): ContainerRow => ({
  id: text(row, 'id'),
  uid: text(row, 'uid'),
  namespace: text(row, 'namespace'),
  name: text(row, 'name'),
  state: text(row, 'state'),
  machineVersion: number(row, 'machine_version'),
  revision: number(row, 'revision'),
  context: text(row, 'context'),
});

/** A record that cannot be read is one container lost, not a reason to lose the others. */
function recordOf({ revision: _, context, ...row }: ContainerRow, log: JournalLog): ContainerRecord[] {
  try {
    return [{ ...row, context: JSON.parse(context) as unknown }];
  } catch (error) {
    const name = `${row.namespace}/${row.name}`;
    log.warn({ container: name, err: error }, `the journal's record of ${name} cannot be read and is passed over`);
    return [];
  }
}
