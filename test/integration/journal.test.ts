import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventRing } from '../../src/journal/event-ring.ts';
import type { ContainerRecord, Journal, NewEvent } from '../../src/journal/journal.ts';
import { migrate } from '../../src/journal/schema.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { logLines } from '../fixtures/log-lines.ts';

let folder: string;
let path: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hob-journal-'));
  path = join(folder, 'state', 'journal.db');
  journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
});

afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

function reopen(): void {
  journal.close();
  journal = openJournal({ path, copiesDir: join(folder, 'run'), log: logLines().log });
}

const web: ContainerRecord = {
  id: 'web',
  uid: 'a-uid',
  namespace: 'default',
  name: 'web',
  state: 'alive.running',
  machineVersion: 1,
  context: { instance: { id: 'a-uid-1', pid: 42 }, words: ['é', '"', '\n', '\u0000'] },
};

const started: NewEvent = {
  type: 'Normal',
  reason: 'Started',
  message: 'the command runs',
  regarding: { kind: 'Container', name: 'web', namespace: 'default' },
};

const hook = { containerID: 'web', instanceID: 'i1', point: 'postConstruction', plugin: 'net' } as const;

describe('containers', () => {
  it('are there after a restart, exactly as saved', () => {
    journal.save(web, true);
    reopen();
    expect(journal.containers()).toEqual([web]);
  });

  it('are replaced by a later save, not doubled', () => {
    journal.save(web, true);
    journal.save({ ...web, state: 'gone', context: null }, true);
    expect(journal.containers()).toEqual([{ ...web, state: 'gone', context: null }]);
  });

  it('are forgotten together with their hook calls, and their events stay', () => {
    journal.save(web, true);
    journal.beginHook(hook);
    journal.addEvent(started);
    journal.forget('web');
    reopen();
    expect(journal.containers()).toEqual([]);
    expect(journal.hookCalls('web')).toEqual([]);
    expect(journal.events()).toHaveLength(1);
  });

  it('whose record cannot be read are passed over, and the others are not', () => {
    const { log, lines } = logLines();
    journal.save(web, true);
    journal.save({ ...web, id: 'db', name: 'db' }, true);
    journal.close();
    const db = new DatabaseSync(path);
    db.exec(`UPDATE container SET context = '{"half' WHERE id = 'db'`);
    db.close();
    rmSync(join(folder, 'run'), { recursive: true });
    journal = openJournal({ path, copiesDir: join(folder, 'run'), log });
    expect(journal.containers()).toEqual([web]);
    expect(lines.join()).toContain('default/db');
  });
});

describe('hook calls', () => {
  it('count as a further attempt when an earlier one never ended', () => {
    expect(journal.beginHook(hook)).toBe(1);
    reopen();
    expect(journal.beginHook(hook)).toBe(2);
    expect(journal.beginHook({ ...hook, plugin: 'other' })).toBe(1);
    expect(journal.beginHook({ ...hook, instanceID: 'i2' })).toBe(1);
  });

  it('end with their outcome, and one that ended is no failed attempt', () => {
    journal.beginHook(hook);
    journal.endHook({
      ...hook,
      outcome: 'failed',
      reason: 'HookTimedOut',
      message: 'after 30 s',
      durationMs: 30_000.5,
    });
    const [call] = journal.hookCalls('web', 'i1');
    expect(call).toMatchObject({
      outcome: 'failed',
      reason: 'HookTimedOut',
      message: 'after 30 s',
      durationMs: 30_000.5,
    });
    expect(call?.endedAt).toBeDefined();
    expect(journal.beginHook(hook)).toBe(1);
  });

  it('have the version of the plugin that was called, where it is known', () => {
    journal.beginHook({ ...hook, version: 'abc' });
    journal.beginHook({ ...hook, plugin: 'other' });
    reopen();
    expect(journal.hookCalls('web').map(({ version }) => version)).toEqual(['abc', undefined]);
  });

  it('that run have no end', () => {
    journal.beginHook(hook);
    expect(Object.keys(journal.hookCalls('web')[0] ?? {})).not.toContain('endedAt');
  });

  it('of long gone instances are dropped, those of the present one never', () => {
    const plugins = Array.from({ length: 40 }, (_, index) => `plugin-${index}`);
    for (let life = 1; life <= 20; life++) {
      for (const plugin of plugins) journal.beginHook({ ...hook, instanceID: `i${life}`, plugin });
    }
    expect(journal.hookCalls('web', 'i20').map((call) => call.plugin)).toEqual(plugins);
    expect(journal.hookCalls('web', 'i1')).toEqual([]);
    expect(journal.hookCalls('web').length).toBeLessThan(250);
  });
});

describe('events', () => {
  it('that repeat are counted instead of added, and move to the end', () => {
    journal.addEvent(started);
    journal.addEvent({ ...started, reason: 'Stopped' });
    const again = journal.addEvent(started);
    expect(again.count).toBe(2);
    expect(journal.events().map((event) => [event.reason, event.count])).toEqual([
      ['Stopped', 1],
      ['Started', 2],
    ]);
    expect(again.sequence).toBe(journal.events().at(-1)?.sequence);
  });

  it('are told apart by what they are about', () => {
    journal.addEvent(started);
    journal.addEvent({ ...started, regarding: { kind: 'Container', name: 'web', namespace: 'other' } });
    journal.addEvent({ ...started, regarding: { kind: 'Hob', name: 'web' } });
    expect(journal.events()).toHaveLength(3);
    expect(journal.events({ namespace: 'default', name: 'web' })).toHaveLength(1);
    expect(journal.events({ name: 'web' })).toHaveLength(3);
  });

  it('are cut to a sane length and survive a restart', () => {
    journal.addEvent({ ...started, message: 'x'.repeat(1_000_000) });
    reopen();
    expect(journal.events()[0]?.message).toHaveLength(4096);
  });

  it('beyond the size of the ring push the oldest out', () => {
    const db = new DatabaseSync(':memory:');
    migrate(db);
    const ring = eventRing(db, 3);
    for (const message of ['a', 'b', 'c', 'a', 'd', 'e']) ring.addEvent({ ...started, message });
    expect(ring.events().map((event) => event.message)).toEqual(['a', 'd', 'e']);
    expect(eventRing(db, 3).addEvent({ ...started, message: 'f' }).count).toBe(1);
    expect(ring.events().map((event) => event.message)).toEqual(['d', 'e', 'f']);
    db.close();
  });
});

describe('facts', () => {
  it('are kept by name, and a new value replaces the old', () => {
    expect(journal.fact('bootID')).toBeUndefined();
    journal.setFact('bootID', 'one');
    journal.setFact('bootID', '');
    reopen();
    expect(journal.fact('bootID')).toBe('');
  });
});

it('can be read by nobody else', () => {
  journal.save(web, true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(`${path}-wal`).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'state')).mode & 0o777).toBe(0o700);
});
