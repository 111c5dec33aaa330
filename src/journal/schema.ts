import type { DatabaseSync } from 'node:sqlite';

/**
 * The journal's tables, as steps from one version to the next. A step that was released is never changed; a new shape is
 * a new step at the end. `PRAGMA user_version` counts the steps that a file has behind it.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE container (
    id TEXT PRIMARY KEY,
    uid TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    machine_version INTEGER NOT NULL,
    context TEXT NOT NULL
  ) STRICT;

  CREATE TABLE hook_call (
    number INTEGER PRIMARY KEY,
    container_id TEXT NOT NULL,
    instance_id TEXT NOT NULL,
    point TEXT NOT NULL,
    plugin TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    ended_at TEXT,
    outcome TEXT,
    reason TEXT,
    message TEXT,
    duration_ms REAL
  ) STRICT;
  CREATE INDEX hook_call_by_container ON hook_call (container_id, instance_id);
  CREATE INDEX hook_call_by_instance ON hook_call (instance_id, point, plugin);

  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_by_subject ON event (name, namespace, kind, reason);

  CREATE TABLE fact (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  // Two indexes were written at each hook call where one does. After a death of hob nobody knew which version a hook call was of.
  `
  DROP INDEX hook_call_by_container;
  DROP INDEX hook_call_by_instance;
  CREATE INDEX hook_call_by_subject ON hook_call (container_id, instance_id, point, plugin);
  ALTER TABLE hook_call ADD COLUMN version TEXT;
  `,
  // Nobody knew which was the later of a row and its copy in the run directory.
  `ALTER TABLE container ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;`,
];

/** The newest shape that this hob knows. */
export const schemaVersion = migrations.length;

/** The shape a file has; 0 for a new one. Throws what SQLite throws on a damaged file. */
export function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** Bring the file to the newest shape, each step whole or not at all. */
export function migrate(db: DatabaseSync): void {
  for (let version = versionOf(db); version < schemaVersion; version++) {
    db.exec(`BEGIN IMMEDIATE; ${migrations[version]} PRAGMA user_version = ${version + 1}; COMMIT`);
  }
}
