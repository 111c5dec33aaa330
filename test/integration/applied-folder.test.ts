import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { watchFolder, type FolderWatch } from '../../src/sources/applied/watch-folder.ts';
import { until } from '../support/until.ts';

let base: string;
let folder: string;
let watch: FolderWatch;
let changes: number;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hob-applied-'));
  folder = join(base, 'state/applied');
  mkdirSync(folder, { recursive: true });
  changes = 0;
  watch = watchFolder(folder, () => (changes += 1));
});
afterEach(() => {
  watch.close();
  rmSync(base, { recursive: true });
});

/** Something happens, and is heard of. */
async function heardOf(action: () => void): Promise<void> {
  const before = changes;
  action();
  await until('it was heard of', () => changes > before);
}

const write = (): void => writeFileSync(join(folder, 'web.json'), '{}');

it('a folder that is deleted is made again, and watched', async () => {
  await heardOf(() => rmSync(folder, { recursive: true }));
  expect(existsSync(folder)).toBe(true);
  await heardOf(write);
});

it('a folder that somebody deletes and makes again at once is watched', async () => {
  await heardOf(() => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  });
  await heardOf(write);
});

it('a folder that somebody puts in the place of another is watched', async () => {
  mkdirSync(join(base, 'other'));
  await heardOf(() => {
    renameSync(folder, join(base, 'before'));
    renameSync(join(base, 'other'), folder);
  });
  await heardOf(write);
});

it('a folder that cannot be made again is made and watched as soon as it can be', async () => {
  await heardOf(() => {
    rmSync(join(base, 'state'), { recursive: true });
    writeFileSync(join(base, 'state'), 'in the way');
  });
  await heardOf(() => rmSync(join(base, 'state')));
  expect(existsSync(folder)).toBe(true);
  await heardOf(write);
});
