import fs, { existsSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bringHome } from '../../src/journal/elsewhere.ts';

const { fsyncSync, renameSync, rmSync } = fs;
let folder: string;
let done: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hob-elsewhere-'));
  done = [];
  fs.fsyncSync = (fd) => {
    done.push(`sync ${basename(readlinkSync(`/proc/self/fd/${fd}`))}`);
    fsyncSync(fd);
  };
  fs.renameSync = (from, to) => {
    done.push(`rename to ${basename(String(to))}`);
    renameSync(from, to);
  };
  fs.rmSync = (path, options) => {
    if (existsSync(path)) done.push(`remove ${basename(String(path))}`);
    rmSync(path, options);
  };
  syncBuiltinESMExports();
});
afterEach(() => {
  Object.assign(fs, { fsyncSync, renameSync, rmSync });
  syncBuiltinESMExports();
  rmSync(folder, { recursive: true });
});

function journalElsewhere(): { path: string; spare: string; home: string } {
  const [home, spare] = [join(folder, 'home'), join(folder, 'spare.db')];
  mkdirSync(home);
  const db = new DatabaseSync(spare);
  db.exec('CREATE TABLE kept (what TEXT)');
  db.close();
  return { path: join(home, 'journal.db'), spare, home };
}

it('a journal that comes home is in its place on the disk before the one in the run directory goes', () => {
  const { path, spare } = journalElsewhere();
  bringHome(path, spare);
  expect(done).toEqual(['rename to journal.db', 'sync home', 'remove spare.db']);
});

it('one that cannot come home stays where it is, and nothing of it takes room on the full disk', () => {
  const { path, spare, home } = journalElsewhere();
  fs.renameSync = () => {
    throw Object.assign(new Error('no space'), { code: 'ENOSPC' });
  };
  syncBuiltinESMExports();
  expect(() => bringHome(path, spare)).toThrow('no space');
  expect(readdirSync(home)).toEqual([]);
  expect(existsSync(spare)).toBe(true);
});
