import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { runRecords } from '../../src/keeper/run-records.ts';
import { until } from '../support/until.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-runs-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('a record that cannot be removed at first is removed later, with no other run to come', async () => {
  const { env, forget } = runRecords(dir).begin();
  const path = join(dir, Object.values(env)[0] ?? '');
  // No unlink removes a folder.
  rmSync(path);
  mkdirSync(path);
  forget();
  expect(readdirSync(dir)).toHaveLength(1);
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
  await until('it is gone', () => readdirSync(dir).length === 0);
});

it('a record of an earlier keeper that cannot be removed at first is removed later', async () => {
  const path = join(dir, '4711-1-1');
  mkdirSync(path);
  runRecords(dir).endLeft();
  expect(readdirSync(dir)).toHaveLength(1);
  rmSync(path, { recursive: true });
  writeFileSync(path, '');
  await until('it is gone', () => readdirSync(dir).length === 0);
});
