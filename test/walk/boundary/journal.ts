import { DatabaseSync, StatementSync } from 'node:sqlite';
import { statementName } from './effects.ts';
import { wrapSync } from './wrap.ts';
import type { Kind } from './wrap.ts';

/** Every write of the journal: what it changes is in the SQL. */
export function wrapJournal(): void {
  const statement = StatementSync.prototype as unknown as Record<
    string,
    (this: StatementSync, ...args: Args) => unknown
  >;
  for (const method of ['run', 'get', 'all']) {
    const original = statement[method];
    if (!original) continue;
    statement[method] = function (this: StatementSync, ...args: Args) {
      return wrapSync(writes(this.sourceSQL), () => original.apply(this, [...args]))();
    };
  }
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    wrapSync(writes(sql), () => exec.call(this, sql))();
  };
}

type Args = readonly unknown[];

const writes = (sql: string): Kind<readonly []> => ({
  name: () => statementName(sql),
  detail: () => '',
  sited: false,
  error: (point) =>
    Object.assign(new Error(`database or disk is full: a fault that a test wanted, ${point}`), {
      code: 'ERR_SQLITE_ERROR',
      errcode: 13,
      errstr: 'database or disk is full',
    }),
});
