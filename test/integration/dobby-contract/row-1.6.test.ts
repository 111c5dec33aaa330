/** Where Dobby calls each hook, and what a hook that answers false does. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HookPoint, hookPoints } from '../../../src/hooks/plugin.ts';
import { eventsOf, untilEvent } from '../../support/faults.ts';
import { isAlive } from '../../support/processes.ts';
import { makeRootfs, runsForever, testHob, untilTrue } from '../../support/hob.ts';
import {
  type Behaviours,
  callOf,
  callsOf,
  hints,
  openGate,
  putTraced,
  putTracedScript,
  storyOf,
  untilHook,
} from '../../support/traced-plugins.ts';

const hob = testHob();

beforeAll(async () => {
  for (const name of ['first', 'last']) putTraced(hob, name, hints.sync);
  putTraced(hob, 'beside', hints.async);
  putTracedScript(hob, 'script', hints.sync);
  putTracedScript(hob, 'after', 4 | 8 | 16);
  await hob.start();
});
afterAll(() => hob.dispose());

const allOfThem = ['beside', 'first', 'script', 'last'] as const;

/** A container with all four plugins, of which `first` fails. */
const dropFailing = (name: string, data: Behaviours, more: object = {}): void =>
  hob.drop(name, {
    command: runsForever,
    plugins: allOfThem.map((plugin) => ({ name: plugin, ...(plugin === 'first' && { data }) })),
    ...more,
  });

async function remove(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
}

const pluginsAt = (name: string, point: HookPoint): string[] =>
  callsOf(hob, name)
    .filter((call) => call.point === point)
    .map(({ plugin }) => plugin);
const reasonsOf = (name: string): (string | undefined)[] =>
  eventsOf(hob).flatMap(({ container, reason }) => (container === `default/${name}` ? [reason] : []));

/** The points that a container came to; at each of them all four plugins were called, once. */
function expectPoints(name: string, points: readonly HookPoint[]): void {
  expect([...new Set(callsOf(hob, name).map(({ point }) => point))]).toEqual(points);
  for (const point of points) expect(pluginsAt(name, point).toSorted()).toEqual(allOfThem.toSorted());
}

describe('1.6: a hook that answers false', () => {
  it('1.6 postConstruction false: later hooks still run; never created; only preDestruction; the reason is told (Dobby: −1)', async () => {
    dropFailing('construction', { postConstruction: 'fail' }, { log: { path: join(hob.dir, 'construction.log') } });
    await untilEvent(hob, 'default/construction', 'HookFailed', /^plugin first, postConstruction: it answered false/);
    const { status } = await hob.untilPhase('construction', 'Backoff');
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('plugin first: HookFailed');
    await remove('construction');
    expectPoints('construction', ['postConstruction', 'preDestruction']);
    expect(reasonsOf('construction')).not.toContain('Started');
  });

  it('1.6 preStart false: later hooks still run; ended and deleted; postStop of all, preDestruction; the reason is told (Dobby: −1)', async () => {
    dropFailing('pre-start', { preStart: 'fail' });
    await untilEvent(hob, 'default/pre-start', 'HookFailed', /^plugin first, preStart: it answered false/);
    const { status } = await hob.untilPhase('pre-start', 'Backoff');
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain('plugin first: HookFailed');
    expect(isAlive(callOf(hob, 'pre-start', 'last', 'preStart').pid ?? 0)).toBe(false);
    await remove('pre-start');
    expectPoints('pre-start', ['postConstruction', 'preStart', 'postStop', 'preDestruction']);
    expect(existsSync(join(hob.dir, 'run/crun/pre-start'))).toBe(false);
    expect(reasonsOf('pre-start')).not.toContain('Started');
  });

  it('1.6 postStart false: later hooks still run; the container goes on; later points as ever (Dobby: a log line; hob: an event)', async () => {
    dropFailing('post-start', { postStart: 'fail' });
    await untilHook(hob, 'post-start', 'last', 'postStart');
    await untilEvent(hob, 'default/post-start', 'HookFailed', /^plugin first, postStart: it answered false/);
    const { status } = await hob.untilPhase('post-start', 'Running');
    expect(isAlive(status?.pid ?? 0)).toBe(true);
    await remove('post-start');
    expectPoints('post-start', hookPoints);
  });

  it('1.6 postStop false: later hooks still run; preDestruction as ever; the container goes (Dobby: a log line; hob: an event)', async () => {
    dropFailing('post-stop', { postStop: 'fail' });
    await untilHook(hob, 'post-stop', 'last', 'postStart');
    await remove('post-stop');
    await untilEvent(hob, 'default/post-stop', 'HookFailed', /^plugin first, postStop: it answered false/);
    expectPoints('post-stop', hookPoints);
  });

  it('1.6 preDestruction false: later hooks still run; the container goes (Dobby: a log line; hob: an event)', async () => {
    dropFailing('pre-destruction', { preDestruction: 'fail' });
    await untilHook(hob, 'pre-destruction', 'last', 'postStart');
    await remove('pre-destruction');
    await untilEvent(hob, 'default/pre-destruction', 'HookFailed', /^plugin first, preDestruction: it answered false/);
    expectPoints('pre-destruction', hookPoints);
    expect(existsSync(join(hob.dir, 'run/instances/pre-destruction'))).toBe(false);
  });
});

describe('1.6 createAndStartContainer', () => {
  it('1.6 success: postStart when the command runs; Started is told', async () => {
    dropFailing('success', {});
    await untilHook(hob, 'success', 'last', 'postStart');
    await untilEvent(hob, 'default/success', 'Started', /./);
    const { status } = await hob.untilPhase('success', 'Running');
    for (const plugin of allOfThem) expect(callOf(hob, 'success', plugin, 'postStart').pid).toBe(status?.pid);
    await remove('success');
    expectPoints('success', hookPoints);
  });

  it('1.6 crun create failed: no postStop', async () => {
    dropFailing('no-create', {}, { mounts: [{ source: join(hob.dir, 'nowhere'), destination: '/mnt' }] });
    await untilEvent(hob, 'default/no-create', 'CreateError', /nowhere/);
    await untilHook(hob, 'no-create', 'beside', 'preDestruction');
    await untilEvent(hob, 'default/no-create', 'BackOff', /./);
    await remove('no-create');
    expectPoints('no-create', ['postConstruction', 'preDestruction']);
  });

  it('1.6 crun start failed: postStop of every plugin', async () => {
    dropFailing('no-start', {}, { command: ['/bin/nosuch'] });
    await untilEvent(hob, 'default/no-start', 'StartError', /nosuch/);
    await untilEvent(hob, 'default/no-start', 'BackOff', /./);
    await remove('no-start');
    expectPoints('no-start', ['postConstruction', 'preStart', 'postStop', 'preDestruction']);
  });

  it('1.6 preStart false: postStop also of a plugin whose own preStart failed, and of one that has none', async () => {
    hob.drop('postmortem', {
      command: runsForever,
      plugins: [{ name: 'first', data: { preStart: 'throw' } }, { name: 'after' }],
    });
    await untilEvent(hob, 'default/postmortem', 'BackOff', /./);
    await remove('postmortem');
    expect(storyOf(hob, 'postmortem', 'first')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
    expect(storyOf(hob, 'postmortem', 'after')).toEqual(['postStop', 'preDestruction']);
  });
});

describe('1.6 startContainer', () => {
  it('1.6 startContainerFromSpec 2: a spec that cannot be read calls no hook', async () => {
    hob.drop('unreadable', { command: runsForever, plugins: [{ name: 'first' }], memory: 'much' });
    await untilTrue('the file is told of', () => eventsOf(hob).some(({ file }) => file?.endsWith('unreadable.yaml')));
    expect(storyOf(hob, 'unreadable')).toEqual([]);
  });

  it('1.6 startContainerFromSpec 8: preDestruction is owed to every plugin whose postConstruction was called, the failed one too', async () => {
    hob.drop('owed', {
      command: runsForever,
      plugins: [{ name: 'first', data: { postConstruction: 'throw' } }, { name: 'last' }],
    });
    await untilEvent(hob, 'default/owed', 'BackOff', /./);
    await remove('owed');
    expect(storyOf(hob, 'owed')).toEqual([
      'first postConstruction',
      'last postConstruction',
      'last preDestruction',
      'first preDestruction',
    ]);
  });

  it('1.6 startContainerFromBundle: every hook, with what a plugin adds; the files of the bundle stay as they are (Dobby rewrites its config.json)', async () => {
    const bundle = join(hob.dir, 'bundle');
    const config = {
      ociVersion: '1.0.2',
      root: { path: 'rootfs', readonly: true },
      process: { args: runsForever, cwd: '/', env: ['PATH=/bin', 'WHO=bundle'], user: { uid: 0, gid: 0 } },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
      linux: { namespaces: ['pid', 'mount'].map((type) => ({ type })) },
    };
    mkdirSync(bundle);
    makeRootfs(join(bundle, 'rootfs'));
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
    putTraced(hob, 'adds', hints.sync, {
      postConstruction: `startState.addEnvironmentVariable('ADDED=1'); startState.addEnvironmentVariable('WHO=bundle');`,
    });
    hob.drop('bundled', { rootfs: undefined, bundle: { path: bundle }, plugins: [{ name: 'adds' }] });
    await untilHook(hob, 'bundled', 'adds', 'postStart');
    const pid = callOf(hob, 'bundled', 'adds', 'postStart').pid ?? 0;
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment).toEqual(expect.arrayContaining(['WHO=bundle', 'ADDED=1']));
    await remove('bundled');
    expect(storyOf(hob, 'bundled', 'adds')).toEqual(hookPoints);
    expect(readFileSync(join(bundle, 'config.json'), 'utf8')).toBe(JSON.stringify(config));
    expect(readdirSync(bundle).toSorted()).toEqual(['config.json', 'rootfs']);
    expect(readdirSync(join(bundle, 'rootfs/tmp'))).toEqual([]);
  });

  it('1.6 startContainerFromBundle: what the bundle sets stays; a plugin that sets it to something else is named (Dobby: both are in)', async () => {
    putTraced(hob, 'differs', 1, { postConstruction: `startState.addEnvironmentVariable('WHO=plugin');` });
    const bundle = { path: join(hob.dir, 'bundle') };
    hob.drop('bundled', { rootfs: undefined, bundle, plugins: [{ name: 'differs' }] });
    await untilEvent(hob, 'default/bundled', 'Conflict', /the bundle and plugin differs both add .*WHO/);
    await remove('bundled');
  });

  it.each([
    ['', 'is empty'],
    ['x'.repeat(129), 'is too long'],
    ['a..b', 'has two dots in a row'],
    ['../a', 'leads out of a directory'],
    ['a_b', 'has a character that no DNS name has (Dobby takes "_")'],
    ['Web', 'has a capital letter (Dobby takes it)'],
  ])('1.6 ids: a name that %j is one of, which %s, is refused without a hook (hob: DNS-1123)', async (name) => {
    hob.drop(name, { command: runsForever, plugins: [{ name: 'first' }] }, 'named.yaml');
    await untilEvent(hob, join(hob.watch, 'named.yaml'), 'InvalidSpec', /metadata\.name/);
    hob.remove('named');
    expect(storyOf(hob, name)).toEqual([]);
  });

  it.each(['1', '2024.7', `${'x'.repeat(63)}.${'y'.repeat(64)}`])(
    '1.6 ids: %s is one, of 1 to 128 characters; it needs no letter (in Dobby it does), as no number names a container',
    async (name) => {
      hob.drop(name, { command: runsForever, plugins: [{ name: 'first' }] }, 'named.yaml');
      await untilHook(hob, name, 'first', 'postStart');
      expect(callOf(hob, name, 'first', 'postStart').id).toBe(name);
      hob.remove('named');
      await hob.until(name, 'is gone', (one) => one === undefined);
    },
  );

  it('1.6 ids: the hooks get the id of the container, its rootfs with a slash at the end, and its data as it stands in the spec', async () => {
    const data = { list: [1, 'two', null, { deep: true }], text: 'Grüße "quoted" \\ \n', number: 1.5, no: false };
    const plugins = [
      { name: 'first', data },
      { name: 'script', data },
    ];
    hob.drop('a-1', { command: runsForever, plugins: [...plugins, { name: 'last' }] });
    await untilHook(hob, 'a-1', 'last', 'postStart');
    await remove('a-1');
    for (const call of callsOf(hob, 'a-1')) {
      expect(call.id).toBe('a-1');
      expect(call.rootfsPath).toMatch(/^\/.*[^/]\/$/);
      expect(call.data).toEqual(call.plugin === 'last' ? null : data);
      expect('pid' in call).toBe(call.point === 'preStart' || call.point === 'postStart');
    }
  });
});

describe('1.6 the end', () => {
  it('1.6 handleContainerTerminate: a container that ends while it is being stopped gets its postStop (Dobby: not if it is Stopping already)', async () => {
    const stubborn = ['/bin/sh', '-c', 'trap : TERM; while true; do sleep 0.1; done'];
    hob.drop('stopping', { command: stubborn, terminationGracePeriodSeconds: 60, plugins: [{ name: 'first' }] });
    await untilHook(hob, 'stopping', 'first', 'postStart');
    hob.remove('stopping');
    await untilEvent(hob, 'default/stopping', 'Stopping', /./);
    process.kill(callOf(hob, 'stopping', 'first', 'postStart').pid ?? 0, 'SIGKILL');
    await hob.until('stopping', 'is gone', (one) => one === undefined);
    expect(storyOf(hob, 'stopping', 'first')).toEqual(hookPoints);
  });

  it('1.6 daemon shutdown: no hook is called and the container runs on (Dobby stops all with postStop and preDestruction)', async () => {
    dropFailing('stays', {});
    await untilHook(hob, 'stays', 'last', 'postStart');
    const pid = callOf(hob, 'stays', 'last', 'postStart').pid ?? 0;
    expect(await hob.stop()).toBe(0);
    expect(isAlive(pid)).toBe(true);
    await hob.start();
    expect((await hob.untilPhase('stays', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    expectPoints('stays', ['postConstruction', 'preStart', 'postStart']);
  });

  it('1.6 daemon start after a crash: what runs is adopted without a hook (Dobby kills it, and calls no legacy hook)', async () => {
    const pid = callOf(hob, 'stays', 'last', 'postStart').pid ?? 0;
    await hob.kill();
    await hob.start();
    expect((await hob.untilPhase('stays', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    expectPoints('stays', ['postConstruction', 'preStart', 'postStart']);
  });

  it('1.6 daemon start after a crash: what died meanwhile gets its postStop and preDestruction (Dobby: never)', async () => {
    const pid = callOf(hob, 'stays', 'last', 'postStart').pid ?? 0;
    await hob.kill();
    process.kill(pid, 'SIGKILL');
    await untilTrue('it has ended', () => !isAlive(pid));
    await hob.start();
    await untilTrue('it is made anew', () => storyOf(hob, 'stays', 'last', 2).includes('postStart'));
    expectPoints('stays', hookPoints);
  });

  it('1.6 daemon shutdown: `hob down` stops containers with their hooks, paused ones too (Dobby drops those)', async () => {
    hob.drop('sleeps', {
      command: runsForever,
      desiredState: 'Paused',
      plugins: [{ name: 'first', data: { postStop: 'wait' } }],
    });
    await hob.untilPhase('sleeps', 'Paused');
    openGate(hob, 'sleeps');
    await hob.stop();
    hob.cli('down');
    expect(storyOf(hob, 'sleeps', 'first')).toEqual(hookPoints);
    expect(storyOf(hob, 'stays', 'last', 2)).toEqual(hookPoints);
  });
});
