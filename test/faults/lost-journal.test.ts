import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '../../src/api/container.ts';
import { callsOf, eventsOf, putShellPlugin, untilCalled, untilHookEnded } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { alter, journalDamages, removeJournal } from '../support/journal-damage.ts';

const hob = testHob();
const journal = join(hob.dir, 'state/journal.db');
const copies = join(hob.dir, 'run/journal');
const copied = (): string[] => readdirSync(copies).flatMap((name) => readdirSync(join(copies, name, 'containers')));

beforeAll(async () => {
  for (const name of ['runs', 'fell', 'unwanted', 'hooked', 'post']) putShellPlugin(hob, name, 31, '');
  await hob.start();
});
afterAll(() => hob.dispose());

const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);
const startTimeOf = (pid = 0): string | undefined =>
  readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[19];
const saidBy = (reason: string): string[] =>
  eventsOf(hob).flatMap((event) => (event.reason === reason ? [event.msg] : []));

const untilSaid = (reason: string, words: RegExp) =>
  untilTrue(`hob says ${reason}: ${words}`, () => words.test(saidBy(reason).join()));

/** Runs until a file of its name is in hob's directory, then ends with this code. */
const untilFile = (name: string, code: number) => ({
  command: ['/bin/sh', '-c', `while [ ! -e /mnt/${name} ]; do sleep 0.05; done; exit ${code}`],
  mounts: [{ source: hob.dir, destination: '/mnt', options: ['ro'] }],
});

/** The hooks that a container's own plugin was called for. */
const calls = (name: string): string[] =>
  callsOf(hob).flatMap((line) => {
    const [plugin, point = '', what] = line.split(' ');
    return plugin === name && what === 'begin' ? [point] : [];
  });
const start = ['postConstruction', 'preStart', 'postStart'];

function expectSame(before: Container, now: Container | undefined): void {
  const of = ({ metadata, status }: Container) => ({
    uid: metadata.uid,
    generation: metadata.generation,
    created: metadata.creationTimestamp,
    phase: status?.phase,
    instance: status?.instanceID,
    pid: status?.pid,
    restarts: status?.restartCount,
  });
  expect(now && of(now)).toEqual(of(before));
}

describe('a journal that is lost while hob is dead', () => {
  it('costs nothing of what ran, ended, waited, or was no longer wanted', async () => {
    hob.drop('runs', { command: runsForever, plugins: [{ name: 'runs' }] });
    hob.drop('paused', { command: runsForever, desiredState: 'Paused' });
    hob.drop('job', { command: ['/bin/true'], restartPolicy: 'OnFailure' });
    hob.drop('fell', { ...untilFile('fell', 9), restartPolicy: 'Never', plugins: [{ name: 'fell' }] });
    hob.drop('unwanted', { command: runsForever, plugins: [{ name: 'unwanted' }] });
    hob.drop('stopped', { command: runsForever, desiredState: 'Stopped' });
    hob.drop('again', {
      command: ['/bin/sh', '-c', 'if [ ! -e /mnt/again ]; then echo >/mnt/again; exit 3; fi; exec sleep 1000'],
      mounts: [{ source: hob.dir, destination: '/mnt', options: ['rw'] }],
      terminationGracePeriodSeconds: 0,
    });
    await hob.until('again', 'runs again', (one) => one?.status?.phase === 'Running' && one.status.restartCount === 1);
    const before = {
      runs: await hob.untilPhase('runs', 'Running'),
      paused: await hob.untilPhase('paused', 'Paused'),
      again: await hob.untilPhase('again', 'Running'),
      job: await hob.untilPhase('job', 'Completed'),
      stopped: await hob.untilPhase('stopped', 'Stopped'),
      fell: await hob.untilPhase('fell', 'Running'),
    };
    const alive = [before.runs, before.paused, before.again].map(({ status }) => status?.pid ?? 0);
    const born = alive.map(startTimeOf);
    for (const name of ['runs', 'fell', 'unwanted']) {
      await hob.untilPhase(name, 'Running');
      await untilHookEnded(hob, name, 'postStart');
    }

    await hob.kill();
    hob.remove('unwanted');
    writeFileSync(join(hob.dir, 'fell'), '');
    await untilTrue('it has fallen', () => !isAlive(before.fell.status?.pid ?? 0));
    removeJournal(journal);
    await hob.start();

    await untilGone('unwanted');
    expect(calls('unwanted')).toEqual([...start, 'postStop', 'preDestruction']);
    const fell = await hob.untilPhase('fell', 'Failed');
    expect(fell.status).toMatchObject({ exitCode: 9, restartCount: 0, instanceID: before.fell.status?.instanceID });
    expect(calls('fell')).toEqual([...start, 'postStop', 'preDestruction']);
    expect(calls('runs')).toEqual(start);
    for (const name of ['runs', 'paused', 'again', 'job', 'stopped'] as const) expectSame(before[name], hob.get(name));
    expect(alive.map(startTimeOf)).toEqual(born);
    await untilSaid('JournalLost', /journal\.db was gone, or empty.* Known as before: 7 containers/);
    expect(saidBy('OrphanRemoved')).toEqual([]);
  });

  it('and what was found again is kept as its spec says from then on', async () => {
    hob.drop('runs', { command: runsForever, plugins: [{ name: 'runs' }], resources: { memory: '64Mi' } });
    await untilTrue('its limits are changed', () => saidBy('Updated').length > 0);
    expect(calls('runs')).toEqual(start);
    hob.drop('runs', { command: [...runsForever, 'new'], plugins: [{ name: 'runs' }] });
    await hob.until('runs', 'has a new instance', (one) => one?.status?.instanceID?.endsWith('-2') === true);
    await untilTrue('its postStart is over', () => calls('runs').length === 8);
    expect(calls('runs')).toEqual([...start, 'postStop', 'preDestruction', ...start]);
    for (const name of ['runs', 'paused', 'again', 'job', 'stopped', 'fell']) hob.remove(name);
    for (const name of ['runs', 'paused', 'again', 'job', 'stopped', 'fell']) await untilGone(name);
    expect(calls('runs').slice(-2)).toEqual(['postStop', 'preDestruction']);
    await untilTrue('no copy is left', () => copied().length === 0);
  });
});

describe('a container that runs goes on, with no hook called, when the journal', () => {
  let before: Container;
  let born: string | undefined;

  beforeAll(async () => {
    hob.drop('hooked', { command: runsForever, plugins: [{ name: 'hooked' }] });
    before = await hob.untilPhase('hooked', 'Running');
    born = startTimeOf(before.status?.pid);
    await untilHookEnded(hob, 'hooked', 'postStart');
  });

  for (const [kind, damage] of Object.entries(journalDamages)) {
    it(kind, async () => {
      await hob.kill();
      damage(journal);
      await hob.start();
      await hob.untilPhase('hooked', 'Running');
      expectSame(before, hob.get('hooked'));
      expect(startTimeOf(before.status?.pid)).toBe(born);
      expect(calls('hooked')).toEqual(start);
    });
  }

  it('is deleted while hob runs, and hob dies then', async () => {
    removeJournal(journal);
    hob.drop('later', { command: runsForever });
    const later = await hob.untilPhase('later', 'Running');
    await hob.kill();
    await hob.start();
    await hob.untilPhase('later', 'Running');
    expectSame(later, hob.get('later'));
    expectSame(before, hob.get('hooked'));
    hob.remove('later');
    await untilGone('later');
  });

  it('is one of the first form of its tables', async () => {
    await hob.kill();
    rewriteAsFirstSchema();
    // The hob of that time had none.
    rmSync(copies, { recursive: true });
    await hob.start();
    await hob.untilPhase('hooked', 'Running');
    expectSame(before, hob.get('hooked'));
    expect(calls('hooked')).toEqual(start);
  });

  it('and at last it is torn down with its hooks, each called once', async () => {
    hob.remove('hooked');
    await untilGone('hooked');
    expect(calls('hooked')).toEqual([...start, 'postStop', 'preDestruction']);
    expect(saidBy('OrphanRemoved')).toEqual([]);
    expect(saidBy('RecordUnreadable')).toEqual([]);
  });
});

it('a teardown that was under way when hob died is gone on with, without the journal', async () => {
  const gate = join(hob.dir, 'gate');
  putShellPlugin(hob, 'post', 31, `postStop) while [ ! -e ${gate} ]; do sleep 0.05; done;;`);
  hob.drop('post', { command: runsForever, plugins: [{ name: 'post' }] });
  await untilHookEnded(hob, 'post', 'postStart');
  hob.remove('post');
  await untilCalled(hob, 'post postStop begin 1');
  await hob.kill();
  removeJournal(journal);
  writeFileSync(gate, '');
  await hob.start();
  await untilGone('post');
  // The hook that was cut off is called again, and not told so: that was in the journal alone.
  expect(calls('post')).toEqual([...start, 'postStop', 'postStop', 'preDestruction']);
});

it('what nobody keeps running is torn down by command, with its hooks, without the journal', async () => {
  hob.drop('fell', { command: runsForever, plugins: [{ name: 'fell' }] });
  await hob.untilPhase('fell', 'Running');
  await untilHookEnded(hob, 'fell', 'postStart');
  await hob.kill();
  removeJournal(journal);
  hob.cli('down');
  expect(calls('fell').slice(-2)).toEqual(['postStop', 'preDestruction']);
  hob.remove('fell');
  await hob.start();
  expect(hob.all()).toEqual([]);
});

it('without the copies as well, what nobody knows is removed and started anew, and that is said', async () => {
  hob.drop('unknown', { command: runsForever });
  const { status } = await hob.untilPhase('unknown', 'Running');
  await hob.kill();
  removeJournal(journal);
  rmSync(copies, { recursive: true });
  await hob.start();
  const anew = await hob.untilPhase('unknown', 'Running');
  expect(anew.status?.pid).not.toBe(status?.pid);
  expect(isAlive(status?.pid ?? 0)).toBe(false);
  await untilSaid('OrphanRemoved', /"unknown"/);
});

it('a record that says nothing of use costs its own container alone', async () => {
  hob.drop('sound', { command: runsForever });
  const sound = await hob.untilPhase('sound', 'Running');
  await hob.untilPhase('unknown', 'Running');
  await hob.kill();
  alter(journal, `UPDATE container SET context = '{"context":{"id":"unknown"}}' WHERE id = 'unknown'`);
  rmSync(copies, { recursive: true });
  await hob.start();
  await hob.untilPhase('unknown', 'Running');
  expectSame(sound, hob.get('sound'));
  await untilSaid('RecordUnreadable', /container unknown is damaged/);
});

it('the whole state directory, deleted while hob is dead, costs no container', async () => {
  hob.drop('kept', { command: runsForever });
  const kept = await hob.untilPhase('kept', 'Running');
  await hob.kill();
  rmSync(join(hob.dir, 'state'), { recursive: true });
  await hob.start();
  await hob.untilPhase('kept', 'Running');
  expectSame(kept, hob.get('kept'));
});

it('a hob with another state directory takes nothing over, and with the one of before all is as that says', async () => {
  const [state, before, other] = ['state', 'before', 'other'].map((name) => join(hob.dir, name)) as [
    string,
    string,
    string,
  ];
  hob.drop('own', { command: runsForever, plugins: [{ name: 'runs' }] });
  const { metadata } = await hob.untilPhase('own', 'Running');
  const lost = saidBy('JournalLost').length;
  await hob.kill();
  renameSync(state, before);
  mkdirSync(other);
  // Its path is the other's.
  symlinkSync(other, state);
  await hob.start();
  expect((await hob.untilPhase('own', 'Running')).metadata.uid).not.toBe(metadata.uid);
  await untilSaid('OrphanRemoved', /"own"/);
  expect(saidBy('JournalLost')).toHaveLength(lost);
  await hob.kill();
  rmSync(state);
  renameSync(before, state);
  await hob.start();
  expect((await hob.untilPhase('own', 'Running')).metadata.uid).toBe(metadata.uid);
});

/** What the journal has, as a hob of the first schema would have written it. */
function rewriteAsFirstSchema(): void {
  const db = new DatabaseSync(journal);
  const rows = db.prepare('SELECT id, uid, namespace, name, state, machine_version, context FROM container').all();
  const boot = db.prepare(`SELECT value FROM fact WHERE name = 'bootID'`).get();
  db.close();
  removeJournal(journal);
  const old = new DatabaseSync(journal);
  old.exec(firstSchema);
  const save = old.prepare('INSERT INTO container VALUES (?, ?, ?, ?, ?, ?, ?)');
  for (const row of rows) save.run(...Object.values(row));
  old.prepare(`INSERT INTO fact VALUES ('bootID', ?)`).run(String(boot?.['value']));
  old.close();
}

const firstSchema = `
  PRAGMA journal_mode = WAL;
  CREATE TABLE container (
    id TEXT PRIMARY KEY, uid TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, state TEXT NOT NULL,
    machine_version INTEGER NOT NULL, context TEXT NOT NULL
  ) STRICT;
  CREATE TABLE hook_call (
    number INTEGER PRIMARY KEY, container_id TEXT NOT NULL, instance_id TEXT NOT NULL, point TEXT NOT NULL,
    plugin TEXT NOT NULL, attempt INTEGER NOT NULL, started_at TEXT NOT NULL, ended_at TEXT, outcome TEXT, reason TEXT,
    message TEXT, duration_ms REAL
  ) STRICT;
  CREATE INDEX hook_call_by_container ON hook_call (container_id, instance_id);
  CREATE INDEX hook_call_by_instance ON hook_call (instance_id, point, plugin);
  CREATE TABLE event (
    sequence INTEGER PRIMARY KEY, type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL, kind TEXT NOT NULL,
    namespace TEXT NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, first_seen TEXT NOT NULL, last_seen TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_by_subject ON event (name, namespace, kind, reason);
  CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 1;
`;
