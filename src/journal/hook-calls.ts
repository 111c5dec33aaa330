import type { DatabaseSync } from 'node:sqlite';
import { hookPoints } from '../hooks/plugin.ts';
import type { HookCall, Journal } from './journal.ts';
import type { Row } from './rows.ts';
import { number, oneOf, optionalText, text } from './rows.ts';

/** The hook-call part of the journal. */
export interface HookCallTable extends Pick<Journal, 'beginHook' | 'endHook' | 'hookCalls'> {
  removeAllOf(containerID: string): void;
}

/** Calls of older instances are history that only grows: a crash-looper makes a new instance every few minutes. */
const keptInstances = 4;

const thisCall = 'container_id = :containerID AND instance_id = :instanceID AND point = :point AND plugin = :plugin';

export function hookCallTable(db: DatabaseSync): HookCallTable {
  const begin = db.prepare(`
    INSERT INTO hook_call (container_id, instance_id, point, plugin, version, attempt, started_at)
    SELECT :containerID, :instanceID, :point, :plugin, :version, 1 + count(*), :startedAt FROM hook_call
    WHERE ${thisCall} AND ended_at IS NULL
    RETURNING attempt`);
  const end = db.prepare(`
    UPDATE hook_call SET
      ended_at = :endedAt, outcome = :outcome, reason = :reason, message = :message, duration_ms = :durationMs
    WHERE number = (
      SELECT max(number) FROM hook_call WHERE ${thisCall} AND ended_at IS NULL)`);
  const trim = db.prepare(`
    DELETE FROM hook_call WHERE container_id = :containerID AND instance_id NOT IN (
      SELECT instance_id FROM hook_call WHERE container_id = :containerID
      GROUP BY instance_id ORDER BY max(number) DESC LIMIT ${keptInstances - 1})`);
  const ofContainer = db.prepare('SELECT * FROM hook_call WHERE container_id = ? ORDER BY number');
  const ofInstance = db.prepare('SELECT * FROM hook_call WHERE container_id = ? AND instance_id = ? ORDER BY number');
  const remove = db.prepare('DELETE FROM hook_call WHERE container_id = ?');
  /** By container. Asked for at each call, so not worth a query. */
  const newestInstance = new Map<string, string>();

  return {
    beginHook({ containerID, instanceID, point, plugin, version = null }) {
      const startedAt = new Date().toISOString();
      // First: should the disk get full in between, only history is lost.
      if (newestInstance.get(containerID) !== instanceID) trim.run({ containerID });
      newestInstance.set(containerID, instanceID);
      return number(begin.get({ containerID, instanceID, point, plugin, version, startedAt }) ?? {}, 'attempt');
    },
    endHook({ outcome = null, reason = null, message = null, durationMs = null, ...call }) {
      const endedAt = new Date().toISOString();
      end.run({ ...call, outcome, reason, message, durationMs, endedAt });
    },
    hookCalls: (containerID, instanceID) =>
      (instanceID === undefined ? ofContainer.all(containerID) : ofInstance.all(containerID, instanceID)).map(readCall),
    removeAllOf(containerID) {
      newestInstance.delete(containerID);
      remove.run(containerID);
    },
  };
}

function readCall(row: Row): HookCall {
  return {
    containerID: text(row, 'container_id'),
    instanceID: text(row, 'instance_id'),
    point: oneOf(row, 'point', hookPoints),
    plugin: text(row, 'plugin'),
    ...optionalText(row, 'version', 'version'),
    attempt: number(row, 'attempt'),
    startedAt: text(row, 'started_at'),
    ...optionalText(row, 'ended_at', 'endedAt'),
    ...(row['outcome'] === null ? {} : { outcome: oneOf(row, 'outcome', ['ok', 'failed']) }),
    ...optionalText(row, 'reason', 'reason'),
    ...optionalText(row, 'message', 'message'),
    ...(row['duration_ms'] === null ? {} : { durationMs: number(row, 'duration_ms') }),
  };
}
