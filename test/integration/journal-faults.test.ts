import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { logLines } from '../fixtures/log-lines.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hob-journal-'));
  path = join(folder, 'journal.db');
});

afterEach(() => rmSync(folder, { recursive: true }));

function save(journal: Journal, n: number): void {
  const identity = { namespace: 'default', machineVersion: 1, uid: 'u', state: 'alive.running' };
  journal.save({ ...identity, id: `c${n}`, name: `c${n}`, context: { n, filler: String(n).repeat(1_000) } }, true);
}

/** A journal with a hundred containers in it, all in the main file. */
function fill(count = 100): void {
  const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
  for (let n = 0; n < count; n++) save(journal, n);
  journal.close();
}

describe('a journal that cannot be used is kept aside and a new one begun', () => {
  const damages: Record<string, () => void> = {
    'no database at all': () => writeFileSync(path, 'apiVersion: hob.dev/v1alpha1\n'.repeat(1_000)),
    'cut in the middle': () => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096),
    'cut in the middle of a page': () => truncateSync(path, Math.floor(statSync(path).size / 2) + 100),
    'overwritten with zeros in the middle': () => overwrite(Buffer.alloc(40 * 4096), 10 * 4096),
    'overwritten with noise in the middle': () => overwrite(noise(40 * 4096), 10 * 4096),
    'overwritten at its start': () => overwrite(noise(100), 0),
    'of a newer hob': () => alter('PRAGMA user_version = 7000'),
    'without one of its tables': () => alter('DROP TABLE hook_call'),
    "somebody else's database": () => {
      rmSync(path);
      alter('CREATE TABLE container (recipe TEXT)');
    },
  };

  for (const [kind, damage] of Object.entries(damages)) {
    it(kind, () => {
      fill();
      damage();
      const before = readFileSync(path);
      const { log, lines } = logLines();
      const journal = openJournal({ path, copiesDir: join(folder, 'run'), log });
      expect(journal.containers()).toHaveLength(100);
      save(journal, 100);
      journal.close();

      const aside = readdirSync(folder).filter((name) => /^journal\.db\.broken-[^/]*Z$/.test(name));
      expect(aside).toHaveLength(1);
      expect(readFileSync(join(folder, aside[0] ?? '')).equals(before)).toBe(true);
      expect(journal.news).toEqual([{ reason: 'JournalLost', message: expect.stringContaining(aside[0] ?? '') }]);
      expect(journal.news[0]?.message).toContain('Known as before: 100 containers');

      const again = openJournal({ path, copiesDir: join(folder, 'run'), log });
      expect(again.containers()).toHaveLength(101);
      again.close();
      expect(again.news).toEqual([]);
      expect(lines).toEqual([]);
    });
  }

  function overwrite(bytes: Buffer, offset: number): void {
    const content = readFileSync(path);
    bytes.copy(content, offset);
    writeFileSync(path, content);
  }

  function alter(sql: string): void {
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
  }

  /** The same "random" bytes in each run. */
  function noise(length: number): Buffer {
    let state = 1;
    return Buffer.from(Array.from({ length }, () => (state = (state * 48_271) % 0x7fffffff) & 0xff));
  }
});

it('an empty file is a new journal, with no complaint', () => {
  writeFileSync(path, '');
  const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
  journal.close();
  expect(journal.news).toEqual([]);
});

it('nonsense in the write-ahead log costs no more than what was in it', () => {
  fill();
  writeFileSync(`${path}-wal`, Buffer.alloc(100_000, 'junk'));
  const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
  expect(journal.containers()).toHaveLength(100);
  journal.close();
});

it('all that was acknowledged is there after kill -9 of the writer, at any moment', async () => {
  for (const acknowledgedBefore of [1, 40, 400]) {
    const acknowledged = await writeUntilKilled(acknowledgedBefore);
    const { log, lines } = logLines();
    const journal = openJournal({ path, copiesDir: join(folder, 'run'), log });
    expect(lines).toEqual([]);
    expect(Number(journal.fact('last'))).toBeGreaterThanOrEqual(acknowledged);
    const saved = journal.containers().map((record) => Number(JSON.stringify(record.context).match(/\d+/)?.[0]));
    expect(Math.max(...saved)).toBeGreaterThanOrEqual(acknowledged);
    expect(saved).toHaveLength(Math.min(20, Math.max(...saved)));
    journal.close();
    rmSync(path);
    rmSync(join(folder, 'run'), { recursive: true });
  }
});

/** Kill the writer once it has acknowledged that many writes; resolves with the last number it acknowledged. */
async function writeUntilKilled(count: number): Promise<number> {
  const writer = spawn(process.execPath, [join(import.meta.dirname, '../fixtures/journal-writer.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const chunk of writer.stdout) {
    output += String(chunk);
    if (!writer.killed && output.split('\n').length > count) writer.kill('SIGKILL');
  }
  if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
  return Number(output.split('\n').at(-2));
}

it('a second hob on the same journal is refused and told why', () => {
  const first = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
  save(first, 1);
  expect(() => openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log })).toThrow(
    /journal\.db.*locked.*another hob.*--state-dir/s,
  );
  save(first, 2);
  first.close();
});

it('a place that is no file says what to do', () => {
  mkdirSync(path);
  expect(() => openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log })).toThrow(
    /cannot open the journal .*journal\.db: .*--state-dir/,
  );
});

describe('on a small disk', () => {
  let disk: string;

  beforeEach(() => {
    disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk]);
    path = join(disk, 'journal.db');
  });

  afterEach(() => void execFileSync('umount', ['-l', disk]));

  function fillDisk(): void {
    for (let size = 1 << 20; size >= 1; size >>= 1) {
      try {
        writeFileSync(join(disk, 'ballast'), Buffer.alloc(size), { flag: 'a' });
      } catch {
        continue;
      }
    }
  }

  it('a write that finds it full fails with the cure, and works again when there is room', () => {
    const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    save(journal, 1);
    fillDisk();
    let last = 1;
    const saveMany = (): void => {
      while (last < 100) save(journal, ++last);
    };
    expect(saveMany).toThrow(/cannot write the journal .*journal\.db: .*full.*free some space/s);
    expect(() =>
      journal.addEvent({
        type: 'Normal',
        reason: 'R',
        message: 'm'.repeat(4_000),
        regarding: { kind: 'Hob', name: 'hob' },
      }),
    ).toThrow(/free some space/);
    expect(journal.containers().length).toBeGreaterThanOrEqual(1);
    rmSync(join(disk, 'ballast'));
    save(journal, 200);
    journal.addEvent({ type: 'Normal', reason: 'R', message: 'm', regarding: { kind: 'Hob', name: 'hob' } });
    journal.close();

    const again = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    expect(again.news).toEqual([{ reason: 'JournalBehind', message: expect.stringContaining('for 1 container') }]);
    expect(again.containers().map((record) => record.id)).toEqual(expect.arrayContaining(['c1', `c${last}`, 'c200']));
    again.close();
  });

  /** A journal that cannot be at its place is in the run directory, and says so. */
  function expectElsewhere(words: RegExp): void {
    const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    expect(journal.news).toEqual([{ reason: 'JournalElsewhere', message: expect.stringMatching(words) }]);
    save(journal, 2);
    journal.close();
  }

  const idsNow = (): string[] => {
    const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    journal.close();
    const db = new DatabaseSync(path);
    const ids = db.prepare('SELECT id FROM container ORDER BY id').all();
    db.close();
    return ids.map(({ id }) => String(id));
  };

  it('a journal that cannot be made is in the run directory, says so, and comes home when there is room', () => {
    fillDisk();
    expectElsewhere(
      /cannot open the journal .*journal\.db: .*full.*free some space.*then start hob again.*run directory/s,
    );
    expectElsewhere(/free some space/);
    rmSync(join(disk, 'ballast'));
    expect(idsNow()).toEqual(['c2']);
    expect(readdirSync(join(folder, 'run')).sort()).toEqual(['containers']);
  });

  it('that is read-only, the journal goes on in the run directory with all that was in it, and says what to do', () => {
    fill(1);
    const before = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    before.beginHook({ containerID: 'c0', instanceID: 'i', point: 'postStart', plugin: 'p' });
    before.close();
    // As after a restart of the host.
    rmSync(join(folder, 'run'), { recursive: true });
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
    expect(journal.news[0]?.message).toMatch(/cannot open the journal .*journal\.db: .*writable/s);
    expect(journal.containers().map(({ id }) => id)).toEqual(['c0']);
    expect(journal.hookCalls('c0')).toHaveLength(1);
    journal.forget('c0');
    save(journal, 3);
    journal.close();
    expectElsewhere(/writable/);

    execFileSync('mount', ['-o', 'remount,rw', disk]);
    expect(idsNow()).toEqual(['c2', 'c3']);
  });

  it('a journal that can be written nowhere is refused, with the cure', () => {
    fillDisk();
    expect(() => openJournal({ path, copiesDir: join(disk, 'run'), log: logLines().log })).toThrow();
  });
});
