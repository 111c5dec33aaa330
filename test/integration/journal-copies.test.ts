import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copiesDirectory } from '../../src/journal/copies.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { readFramed, writeFramed } from '../../src/journal/framed-file.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { logLines } from '../fixtures/log-lines.ts';

let folder: string;
let path: string;
let copiesDir: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hob-copies-'));
  path = join(folder, 'journal.db');
  copiesDir = join(folder, 'run');
});

afterEach(() => rmSync(folder, { recursive: true }));

const open = (log = logLines().log): Journal => openJournal({ path, copiesDir, log });

function save(journal: Journal, id: string, state: string, context: unknown = { about: id }): void {
  journal.save({ id, uid: 'u', namespace: 'default', name: id, machineVersion: 1, state, context }, true);
}

/** Do something with a journal, and close it. */
function using<T>(work: (journal: Journal) => T): T {
  const journal = open();
  try {
    return work(journal);
  } finally {
    journal.close();
  }
}

const states = (): Record<string, string> =>
  using((journal) => Object.fromEntries(journal.containers().map(({ id, state }) => [id, state])));
const copyOf = (id: string): string => join(copiesDir, 'containers', `${id}.json`);

it('a journal that was deleted has its containers and facts again, and says what is lost', () => {
  using((journal) => {
    save(journal, 'web', 'alive.running', { words: ['é', '"', '\n', '\u2028'] });
    save(journal, 'job', 'completed');
    journal.setFact('bootID', 'this one');
  });
  rmSync(path);
  using((journal) => {
    expect(journal.news).toEqual([
      {
        reason: 'JournalLost',
        message: expect.stringMatching(/was gone, or empty.*Known as before: 2 containers.*past events/s),
      },
    ]);
    expect(journal.containers()).toMatchObject([
      { id: 'job', state: 'completed' },
      { id: 'web', state: 'alive.running', context: { words: ['é', '"', '\n', '\u2028'] } },
    ]);
    expect(journal.fact('bootID')).toBe('this one');
  });
});

it('so has one that was cut to nothing', () => {
  using((journal) => save(journal, 'web', 'alive.running'));
  truncateSync(path);
  expect(states()).toEqual({ web: 'alive.running' });
});

it('one that lost its last writes has them again: of a row and its copy the later holds', () => {
  using((journal) => {
    save(journal, 'web', 'starting.creating');
    save(journal, 'db', 'alive.running');
  });
  copyFileSync(path, join(folder, 'backup'));
  using((journal) => {
    save(journal, 'web', 'alive.running');
    save(journal, 'new', 'starting.creating');
  });
  copyFileSync(join(folder, 'backup'), path);
  using((journal) => {
    expect(journal.news).toEqual([{ reason: 'JournalBehind', message: expect.stringContaining('for 2 containers') }]);
  });
  expect(states()).toEqual({ db: 'alive.running', new: 'starting.creating', web: 'alive.running' });
});

it('a row that was changed by the disk is that of its copy again', () => {
  using((journal) => save(journal, 'web', 'alive.running', { pid: 41 }));
  const db = new DatabaseSync(path);
  db.exec(`UPDATE container SET context = '{"pid":49}'`);
  db.close();
  expect(using((journal) => journal.containers())).toMatchObject([{ context: { pid: 41 } }]);
});

it('a copy that is older than the row, cut, or nonsense, is passed over', () => {
  using((journal) => {
    save(journal, 'web', 'alive.running');
    save(journal, 'cut', 'alive.running');
    save(journal, 'old', 'starting.creating');
  });
  const older = readFileSync(copyOf('old'), 'utf8');
  using((journal) => save(journal, 'old', 'alive.running'));
  writeFileSync(copyOf('old'), older);
  writeFileSync(copyOf('cut'), readFileSync(copyOf('cut'), 'utf8').slice(0, -2));
  writeFileSync(copyOf('nonsense'), 'null\n{}\n');
  writeFramed(copyOf('null'), 'null\n{}');
  mkdirSync(copyOf('folder'));
  writeFramed(join(copiesDir, 'facts.json'), '[1, "x"');
  const journal = open();
  expect(journal.news).toEqual([]);
  journal.close();
  expect(states()).toEqual({ web: 'alive.running', cut: 'alive.running', old: 'alive.running' });
});

it('a copy of a newer hob that says more is used for what this one knows', () => {
  using((journal) => save(journal, 'web', 'alive.running'));
  const [head = '', context = ''] = readFramed(copyOf('web'))?.split('\n') ?? [];
  writeFramed(copyOf('web'), `${head.replace('{', '{"news":[1],')}\n${context}`);
  rmSync(path);
  expect(states()).toEqual({ web: 'alive.running' });
});

it('of a copy that became shorter, what was longer counts for nothing', () => {
  using((journal) => {
    save(journal, 'web', 'alive.running', 'long'.repeat(1_000));
    save(journal, 'web', 'alive.running', 'é');
  });
  rmSync(path);
  expect(using((journal) => journal.containers())).toMatchObject([{ context: 'é' }]);
});

it('what is forgotten does not come back', () => {
  using((journal) => {
    for (const id of ['web', 'db']) save(journal, id, 'gone');
    journal.forget('web');
  });
  expect(readdirSync(join(copiesDir, 'containers'))).toEqual(['db.json']);
  rmSync(path);
  expect(states()).toEqual({ db: 'gone' });
});

it('where hob died while it forgot one, nobody is told that the journal is behind', () => {
  using((journal) => save(journal, 'web', 'gone'));
  const db = new DatabaseSync(path);
  db.exec('DELETE FROM container');
  db.close();
  expect(using((journal) => journal.news)).toEqual([]);
  expect(states()).toEqual({ web: 'gone' });
});

it('what has nothing on the host yet has no copy: it begins anew', () => {
  using((journal) => {
    for (const state of ['pending', 'waiting', 'constructing']) save(journal, state, state);
  });
  expect(readdirSync(join(copiesDir, 'containers'))).toEqual([]);
});

it('a copy that cannot be written is told once, and nothing else is different', () => {
  const { log, lines } = logLines();
  const journal = open(log);
  rmSync(copiesDir, { recursive: true });
  save(journal, 'web', 'alive.running');
  save(journal, 'web', 'alive.stopping');
  journal.close();
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/cannot be written.*make room in the run directory/);
  expect(states()).toEqual({ web: 'alive.stopping' });
});

it('what has no copy, as after a restart of the host, gets one when the journal is opened', () => {
  using((journal) => save(journal, 'job', 'completed'));
  rmSync(copiesDir, { recursive: true });
  using(() => undefined);
  rmSync(path);
  expect(states()).toEqual({ job: 'completed' });
});

describe('in one run directory', () => {
  const stateDir = (name: string): string => join(folder, name);
  const statesIn = (name: string, work: (journal: Journal) => void = () => undefined): Record<string, string> => {
    path = join(stateDir(name), 'journal.db');
    mkdirSync(stateDir(name), { recursive: true });
    copiesDir = copiesDirectory(folder, stateDir(name));
    using(work);
    return states();
  };

  it('the containers of two state directories are kept apart', () => {
    statesIn('one', (journal) => save(journal, 'web', 'alive.running'));
    expect(statesIn('two', (journal) => save(journal, 'db', 'alive.running'))).toEqual({ db: 'alive.running' });
    expect(statesIn('one')).toEqual({ web: 'alive.running' });
  });

  it('a state directory that was deleted whole and made anew has its own again, whichever of its names is used', () => {
    statesIn('one', (journal) => save(journal, 'web', 'alive.running'));
    rmSync(stateDir('one'), { recursive: true });
    mkdirSync(stateDir('one'));
    symlinkSync('one', stateDir('link'));
    expect(statesIn('link')).toEqual({ web: 'alive.running' });
  });
});
