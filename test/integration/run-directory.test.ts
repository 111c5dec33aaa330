import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchRunDirectory } from '../../src/daemon/run-directory.ts';
import { until } from '../support/until.ts';

let runDir: string;
let lost: string[];
let stop: () => void;

beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'hob-run-'));
  mkdirSync(join(runDir, 'signals'));
  writeFileSync(join(runDir, 'hob.lock'), '');
  lost = [];
  stop = () => undefined;
});
afterEach(() => {
  stop();
  rmSync(runDir, { recursive: true, force: true });
});

const begin = (): void => {
  stop = watchRunDirectory(runDir, (path) => lost.push(path));
};

it('a run directory that goes is told of, once', async () => {
  begin();
  expect(lost).toEqual([]);
  rmSync(runDir, { recursive: true });
  await until('it is told', () => lost.length > 0);
  expect(lost).toHaveLength(1);
});

it('a run directory that went before it could be watched is told of, once', () => {
  rmSync(runDir, { recursive: true });
  begin();
  expect(lost).toEqual([join(runDir, 'hob.lock')]);
});
