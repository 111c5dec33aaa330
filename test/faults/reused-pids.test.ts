import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { tryLock } from '../../src/host/libc.ts';
import { hooksBegun, keeperOf, putShellPlugin, untilCalled, untilEvent } from '../support/faults.ts';
import { isAlive, killIfAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { processesOf, remainsOf } from '../support/remains.ts';

const hob = testHob();
let victim: ChildProcess;
const victimPid = (): number => victim.pid ?? 0;
const run = (...path: string[]): string => join(hob.dir, 'run', ...path);

beforeAll(() => hob.start());
afterAll(() => hob.dispose());

/** It leads a process group, as a shell around crun does, and as what a plugin has the keeper run. */
beforeEach(() => {
  victim = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
});
afterEach(() => {
  victim.kill('SIGKILL');
});

/** With the keeper, and then these. Who lives to see the end of an init would tidy up after it, so crun comes before that. */
async function killHobAnd(...pids: number[]): Promise<void> {
  await hob.kill();
  [keeperOf(hob), ...pids].forEach(killIfAlive);
}

it('a pid file of a keeper that names somebody else: he is left alone, though nobody answers', async () => {
  await killHobAnd();
  writeFileSync(run('keeper.pid'), `${victimPid()}\n`);
  writeFileSync(run('keeper.runs', `${victimPid()}-1-1`), '');
  writeFileSync(run('hob.lock'), `${victimPid()}\n`);
  // As a keeper that hangs: hob would kill it in 3 s.
  const lock = openSync(run('keeper.pid'), 'r');
  await untilTrue('the keeper has let go of it', () => tryLock(lock));
  const started = hob.start();
  await delay(5_000);
  closeSync(lock);
  await started;
  hob.drop('web', { command: runsForever });
  await hob.untilPhase('web', 'Running');
  expect(keeperOf(hob)).not.toBe(victimPid());
  expect(readlinkSync(`/proc/${hob.pid}/ns/mnt`)).not.toBe(readlinkSync(`/proc/${victimPid()}/ns/mnt`));
  expect(isAlive(victimPid())).toBe(true);
});

it('files of a container that died with hob that name somebody else: it is started anew, and he is left alone', async () => {
  const { status } = await hob.untilPhase('web', 'Running');
  const key = `web.${status?.instanceID}`;
  const crunStatus = readFileSync(run('crun/web/status'), 'utf8');
  await killHobAnd(...processesOf(run('instances/web')), status?.pid ?? 0);
  writeFileSync(run('signals', `${key}.shell`), `${victimPid()}\n`);
  writeFileSync(run('signals', `${key}.pid`), String(victimPid()));
  writeFileSync(run('crun/web/status'), crunStatus.replace(/("pid"\s*:\s*)\d+/, `$1${victimPid()}`));
  await hob.start();
  await untilEvent(hob, 'default/web', 'Exited', /exit code is unknown/);
  const after = await hob.until(
    'web',
    'runs anew',
    (one) => one?.status?.restartCount === 1 && one.status.phase === 'Running',
  );
  expect(after?.status?.pid).not.toBe(victimPid());
  hob.remove('web');
  await hob.until('web', 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, 'web')).toEqual([]);
  expect(isAlive(victimPid())).toBe(true);
});

it('a container that was about to start and names somebody else as its init: no hook is called for him', async () => {
  const gate = join(hob.dir, 'gate');
  putShellPlugin(hob, 'waits', 3, `preStart) while [ ! -e ${gate} ]; do sleep 0.05; done;;`);
  hob.drop('web', { command: runsForever, plugins: [{ name: 'waits' }] });
  await untilCalled(hob, 'waits preStart begin 1');
  const created = run('signals', `web.${hob.get('web')?.status?.instanceID}.created`);
  const { pid } = JSON.parse(readFileSync(created, 'utf8')) as { pid: number };
  await killHobAnd(...processesOf(run('instances/web')), ...processesOf(run('instances/web/verdict')), pid);
  writeFileSync(created, `${JSON.stringify({ pid: victimPid() })}\n`);
  writeFileSync(gate, '');
  await hob.start();
  await hob.untilPhase('web', 'Running');
  const ofEachInstance = ['postConstruction 1', 'preStart 1'];
  expect(hooksBegun(hob, 'waits')).toEqual([...ofEachInstance, ...ofEachInstance]);
  expect(isAlive(victimPid())).toBe(true);
});
