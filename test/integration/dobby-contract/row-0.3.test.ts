/** Dobby's table of the whole lifecycle, row by row, for what are its legacy plugins and hob's plugins. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventsOf, untilEvent, untilHookEnded } from '../../support/faults.ts';
import { isAlive } from '../../support/processes.ts';
import { freezerOf, thaw } from '../../support/freezer.ts';
import { runsForever, testHob, untilTrue } from '../../support/hob.ts';
import { callOf, callsOf, hints, openGate, putTraced, storyOf, untilHook } from '../../support/traced-plugins.ts';
import type { Behaviours } from '../../support/traced-plugins.ts';

const hob = testHob();

/** What there is of the container and of its rootfs while a hook runs. */
const looksAround = `note({
  rootfs: fs.existsSync(rootfsPath + 'bin/busybox'),
  created: fs.existsSync(${JSON.stringify(join(hob.dir, 'run/crun/'))} + id),
});`;

beforeAll(async () => {
  const program = `note({ arguments: fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').split('\\0') });`;
  putTraced(hob, 'p', hints.sync, {
    postConstruction: looksAround,
    preStart: `${looksAround} ${program}`,
    postStart: `${looksAround} ${program}`,
    postStop: looksAround,
    preDestruction: looksAround,
  });
  await hob.start();
});
afterAll(() => hob.dispose());

const drop = (name: string, data: Behaviours = {}, more: object = {}): void =>
  hob.drop(name, { command: runsForever, plugins: [{ name: 'p', data }], ...more });
const untilStarted = (name: string) => untilEvent(hob, `default/${name}`, 'Started', /./);
const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);
const hasStarted = (name: string): boolean =>
  eventsOf(hob).some(({ container, reason }) => container === `default/${name}` && reason === 'Started');

/** Take it away and wait for its end. */
async function remove(name: string): Promise<void> {
  hob.remove(name);
  await untilGone(name);
}

it('0.3 #1: what fails before the rootfs is there calls no hook at all, preDestruction neither', async () => {
  drop('no-rootfs', {}, { rootfs: { path: join(hob.dir, 'nowhere') } });
  await untilEvent(hob, 'default/no-rootfs', 'BackOff', /./);
  await remove('no-rootfs');
  expect([...storyOf(hob, 'no-rootfs'), ...storyOf(hob, 'no-rootfs', 'p', 2)]).toEqual([]);
});

it('0.3 #1: a second spec with the id of a container that is there calls no hook', async () => {
  drop('twin', {}, { command: runsForever });
  await untilHook(hob, 'twin', 'p', 'postStart');
  hob.drop('twin', { command: ['/bin/false'], plugins: [{ name: 'p' }] }, 'second.yaml');
  await untilTrue('the second is told so', () => eventsOf(hob).some(({ file }) => file?.endsWith('second.yaml')));
  expect(storyOf(hob, 'twin', 'p')).toEqual(['postConstruction', 'preStart', 'postStart']);
  expect(storyOf(hob, 'twin', 'p', 2)).toEqual([]);
});

it('0.3 #2: postConstruction comes when the rootfs exists and the container does not', async () => {
  drop('second');
  await untilHook(hob, 'second', 'p', 'postStart');
  expect(callOf(hob, 'second', 'p', 'postConstruction').noted).toEqual({ rootfs: true, created: false });
  expect(callOf(hob, 'second', 'p', 'postStart').noted).toMatchObject({ rootfs: true, created: true });
});

it('0.3 #2: a postConstruction that fails skips all up to preDestruction; crun is never called', async () => {
  drop('second-fails', { postConstruction: 'fail' });
  await untilHook(hob, 'second-fails', 'p', 'preDestruction');
  expect(storyOf(hob, 'second-fails', 'p')).toEqual(['postConstruction', 'preDestruction']);
  expect(callOf(hob, 'second-fails', 'p', 'preDestruction').noted).toEqual({ rootfs: true, created: false });
  await remove('second-fails');
  expect(hasStarted('second-fails')).toBe(false);
});

it('0.3 #5: a configuration that cannot be written ends the start: crun is never called; preDestruction, and nothing else', async () => {
  const own = JSON.stringify(join(hob.dir, 'run/instances/fifth'));
  // Nothing can be put in the place of a folder that something is mounted on.
  putTraced(hob, 'blocks', 1 | 16, {
    postConstruction: `fs.mkdirSync(${own}, { recursive: true }); process.getBuiltinModule('node:child_process').execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', ${own}]);`,
    preDestruction: `note({ created: fs.existsSync(${JSON.stringify(join(hob.dir, 'run/crun/'))} + id) });
      process.getBuiltinModule('node:child_process').execFileSync('umount', [${own}]);`,
  });
  hob.drop('fifth', { command: runsForever, plugins: [{ name: 'p' }, { name: 'blocks' }] });
  await untilEvent(hob, 'default/fifth', 'CreateError', /busy.*run\/instances\/fifth/);
  await untilHook(hob, 'fifth', 'p', 'preDestruction');
  expect(storyOf(hob, 'fifth')).toEqual([
    'p postConstruction',
    'blocks postConstruction',
    'blocks preDestruction',
    'p preDestruction',
  ]);
  expect(callOf(hob, 'fifth', 'blocks', 'preDestruction').noted).toEqual({ created: false });
  await remove('fifth');
  expect(hasStarted('fifth')).toBe(false);
});

it('0.3 #5: a configuration that cannot be made, as a device is not there, ends the start in the same way', async () => {
  drop('fifth-too', {}, { devices: [{ path: '/dev/nosuch' }] });
  await untilEvent(hob, 'default/fifth-too', 'CreateError', /nosuch is not on this host/);
  await untilHook(hob, 'fifth-too', 'p', 'preDestruction');
  expect(storyOf(hob, 'fifth-too', 'p')).toEqual(['postConstruction', 'preDestruction']);
  await remove('fifth-too');
});

it('0.3 #6: crun that fails before there is an init: no preStart, no postStop; preDestruction', async () => {
  drop('sixth', {}, { mounts: [{ source: join(hob.dir, 'nowhere'), destination: '/mnt' }] });
  await untilEvent(hob, 'default/sixth', 'CreateError', /nowhere/);
  await untilHook(hob, 'sixth', 'p', 'preDestruction');
  expect(storyOf(hob, 'sixth', 'p')).toEqual(['postConstruction', 'preDestruction']);
  await remove('sixth');
});

it('0.3 #7: preStart comes with the pid of an init that does not execute the command yet (Dobby: between create and start; hob: in crun’s createRuntime hook)', async () => {
  drop('seventh');
  await untilHook(hob, 'seventh', 'p', 'postStart');
  const [before, after] = [callOf(hob, 'seventh', 'p', 'preStart'), callOf(hob, 'seventh', 'p', 'postStart')];
  expect(before.pid).toBe(after.pid);
  expect(before.noted['arguments']).not.toEqual([...runsForever, '']);
  expect(after.noted['arguments']).toEqual([...runsForever, '']);
  expect(hob.get('seventh')?.status?.pid).toBe(after.pid);
});

it('0.3 #7: a preStart that fails keeps the command from running', async () => {
  drop(
    'seventh-fails',
    { preStart: 'fail' },
    {
      command: ['/bin/sh', '-c', 'touch /var/ran'],
      mounts: [{ source: hob.dir, destination: '/var', options: ['rw', 'bind'] }],
    },
  );
  await untilHook(hob, 'seventh-fails', 'p', 'preDestruction');
  await remove('seventh-fails');
  expect(existsSync(join(hob.dir, 'ran'))).toBe(false);
  expect(hasStarted('seventh-fails')).toBe(false);
});

it('0.3 #8: a command that cannot be started comes after preStart, without postStart', async () => {
  drop('eighth', {}, { command: ['/bin/nosuch'] });
  await untilEvent(hob, 'default/eighth', 'StartError', /nosuch/);
  await untilHook(hob, 'eighth', 'p', 'preDestruction');
  expect(storyOf(hob, 'eighth', 'p')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
  await remove('eighth');
});

it('0.3 #9: what postStart answers is only told (Dobby: a line in its log; hob: an event, and in the status)', async () => {
  drop('ninth', { postStart: 'fail' });
  await untilEvent(hob, 'default/ninth', 'HookFailed', /^plugin p, postStart: it answered false \(after \d+ ms\)$/);
  const { pid } = callOf(hob, 'ninth', 'p', 'postStart');
  await untilHookEnded(hob, 'ninth', 'postStart');
  const { status } = await hob.untilPhase('ninth', 'Running');
  expect(status).toMatchObject({ pid, restartCount: 0 });
  expect(status?.hooks?.postStart).toMatchObject([
    { plugin: 'p', outcome: 'failed', reason: 'HookFailed', message: 'it answered false' },
  ]);
  expect(isAlive(pid ?? 0)).toBe(true);
});

it('0.3 #10: Started is told once (Dobby: after postStart; hob: when the command runs, so that a slow postStart hides nothing)', async () => {
  drop('tenth', { postStart: 'wait' });
  await untilHook(hob, 'tenth', 'p', 'postStart', 'begun');
  await untilStarted('tenth');
  expect(callOf(hob, 'tenth', 'p', 'postStart').endedAt).toBeUndefined();
  openGate(hob, 'tenth');
  await untilHook(hob, 'tenth', 'p', 'postStart');
  await remove('tenth');
  const told = eventsOf(hob).filter(({ container, reason }) => container === 'default/tenth' && reason === 'Started');
  expect(told).toHaveLength(1);
});

it('0.3 #11-fail: after a preStart that failed the init is ended first, then postStop comes, then preDestruction', async () => {
  drop('eleventh', { preStart: 'fail', postStop: 'wait' });
  await untilHook(hob, 'eleventh', 'p', 'postStop', 'begun');
  const { pid } = callOf(hob, 'eleventh', 'p', 'preStart');
  expect(isAlive(pid ?? 0)).toBe(false);
  expect(storyOf(hob, 'eleventh', 'p')).toEqual(['postConstruction', 'preStart', 'postStop']);
  openGate(hob, 'eleventh');
  await untilHook(hob, 'eleventh', 'p', 'preDestruction');
  expect(storyOf(hob, 'eleventh', 'p')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
  await remove('eleventh');
});

it('0.3 #12-fail: a start that failed ends with preDestruction, and nobody is told of a start', async () => {
  drop('twelfth', { postConstruction: 'throw' });
  await untilHook(hob, 'twelfth', 'p', 'preDestruction');
  await untilEvent(hob, 'default/twelfth', 'BackOff', /./);
  await remove('twelfth');
  const reasons = eventsOf(hob).flatMap(({ container, reason }) => (container === 'default/twelfth' ? [reason] : []));
  expect(reasons).not.toContain('Started');
  expect(reasons).not.toContain('Exited');
});

it('0.3 #13: the end of the init brings postStop, once it is gone', async () => {
  drop('thirteenth', { postStop: 'wait' }, { restartPolicy: 'Never' });
  await untilHook(hob, 'thirteenth', 'p', 'postStart');
  const { pid = 0 } = callOf(hob, 'thirteenth', 'p', 'postStart');
  process.kill(pid, 'SIGKILL');
  await untilHook(hob, 'thirteenth', 'p', 'postStop', 'begun');
  expect(isAlive(pid)).toBe(false);
  openGate(hob, 'thirteenth');
  await hob.untilPhase('thirteenth', 'Failed');
  expect(storyOf(hob, 'thirteenth', 'p').slice(-2)).toEqual(['postStop', 'preDestruction']);
});

it('0.3 #13: a container that dies while paused gets its postStop (Dobby: only one that is exactly Running)', async () => {
  drop('paused', {}, { desiredState: 'Paused', restartPolicy: 'Never' });
  const { status } = await hob.untilPhase('paused', 'Paused');
  const { pid = 0 } = status ?? {};
  const freezer = freezerOf(pid);
  process.kill(pid, 'SIGKILL');
  thaw(freezer);
  await untilHook(hob, 'paused', 'p', 'preDestruction');
  expect(storyOf(hob, 'paused', 'p').slice(-2)).toEqual(['postStop', 'preDestruction']);
});

it('0.3 #13: a container that is stopped while paused gets its postStop, too (Dobby drops it)', async () => {
  drop('paused-too', {}, { desiredState: 'Paused' });
  await hob.untilPhase('paused-too', 'Paused');
  await remove('paused-too');
  expect(storyOf(hob, 'paused-too', 'p').slice(-2)).toEqual(['postStop', 'preDestruction']);
});

it('0.3 #14: preDestruction comes last, when the container is gone and its rootfs is still there', async () => {
  drop('fourteenth');
  await untilHook(hob, 'fourteenth', 'p', 'postStart');
  await remove('fourteenth');
  const calls = callsOf(hob, 'fourteenth');
  expect(calls.at(-1)).toMatchObject({ point: 'preDestruction', noted: { rootfs: true } });
  expect(calls.at(-2)).toMatchObject({ point: 'postStop', noted: { rootfs: true } });
});

it('0.3 #14: a restart is a life of its own with every hook (Dobby: its restart calls neither preDestruction nor postConstruction)', async () => {
  drop('again');
  await untilHook(hob, 'again', 'p', 'postStart');
  process.kill(callOf(hob, 'again', 'p', 'postStart').pid ?? 0, 'SIGKILL');
  await untilTrue('it runs again', () => storyOf(hob, 'again', 'p', 2).includes('postStart'));
  expect(storyOf(hob, 'again', 'p')).toEqual([
    'postConstruction',
    'preStart',
    'postStart',
    'postStop',
    'preDestruction',
  ]);
  expect(storyOf(hob, 'again', 'p', 2)).toEqual(['postConstruction', 'preStart', 'postStart']);
  const [firstEnd, secondBegin] = [callsOf(hob, 'again').at(-1)?.endedAt, callsOf(hob, 'again', 2)[0]?.beganAt];
  expect(firstEnd).toBeLessThan(secondBegin ?? 0);
});

it('0.3 #15: the container is forgotten when its last hook has ended', async () => {
  drop('fifteenth', { preDestruction: 'wait' });
  await untilHook(hob, 'fifteenth', 'p', 'postStart');
  hob.remove('fifteenth');
  await untilHook(hob, 'fifteenth', 'p', 'preDestruction', 'begun');
  expect(hob.get('fifteenth')?.status?.phase).toBe('Stopping');
  expect(readFileSync(join(hob.dir, 'run/instances/fifteenth/config.json'), 'utf8')).toContain('ociVersion');
  openGate(hob, 'fifteenth');
  await untilGone('fifteenth');
  expect(existsSync(join(hob.dir, 'run/instances/fifteenth'))).toBe(false);
});
