import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { callsOf, eventsOf, putModulePlugin } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { processesOf, remainsOf } from '../support/remains.ts';
import { slowCrun } from '../support/slow-crun.ts';

const crun = slowCrun();
const hob = testHob({ env: { PATH: crun.PATH } });
beforeAll(() => hob.start());
afterAll(async () => {
  crun.open();
  await hob.dispose();
  crun.remove();
});

const pidOf = async (name: string): Promise<number> => (await hob.untilPhase(name, 'Running')).status?.pid ?? 0;

async function leavesNothing(name: string): Promise<void> {
  await hob.until(name, 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, name)).toEqual([]);
}

describe('SIGTERM to hob', () => {
  it('while crun deletes what is left of a container: the next hob removes it', async () => {
    hob.drop('deleted', { command: runsForever });
    const pid = await pidOf('deleted');
    crun.waitAt('delete');
    // The shell and crun first: who lives to see the end of the init would delete it.
    for (const each of [...processesOf(join(hob.dir, 'run/instances/deleted')), pid]) process.kill(each, 'SIGKILL');
    hob.remove('deleted');
    await crun.untilItWaits();
    expect(await hob.stop()).toBe(0);
    crun.open();
    await hob.start();
    await leavesNothing('deleted');
  });

  it('while crun resumes a container: the next hob does it', async () => {
    hob.drop('resumed', { command: ['/bin/sh', '-c', `echo here; ${runsForever[2]}`], desiredState: 'Paused' });
    const paused = await hob.untilPhase('resumed', 'Paused');
    crun.waitAt('resume');
    hob.drop('resumed', { command: ['/bin/sh', '-c', `echo here; ${runsForever[2]}`] });
    await crun.untilItWaits();
    const stopped = hob.stop();
    crun.open();
    expect(await stopped).toBe(0);
    await hob.start();
    expect(await pidOf('resumed')).toBe(paused.status?.pid);
  });

  it('while people follow what it tells: they are let go', async () => {
    const env = { ...process.env, HOB_RUN_DIR: join(hob.dir, 'run'), HOB_STATE_DIR: join(hob.dir, 'state') };
    const followers = [
      ['logs', '-f', 'resumed'],
      ['get', '-w'],
    ].map((args) =>
      spawn(join(import.meta.dirname, '../../src/cli/hob'), args, { env, stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    onTestFinished(() => followers.forEach((follower) => follower.kill('SIGKILL')));
    const told = followers.map(({ stdout }) => once(stdout, 'data'));
    await Promise.all(told);
    expect(await hob.stop()).toBe(0);
    await hob.start();
  });

  it('before it has come up: what runs is there for the next', async () => {
    const { pid } = (await hob.untilPhase('resumed', 'Running')).status ?? {};
    await hob.kill();
    hob.begin();
    await untilTrue('it has begun', () => readFileSync(join(hob.dir, 'run/hob.lock'), 'utf8') === `${hob.pid}\n`);
    await hob.stop();
    await hob.start();
    expect((await hob.untilPhase('resumed', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
  });

  it('while a module spins in its preDestruction: hob ends, and the next calls it again', async () => {
    const gate = join(hob.dir, 'may-end');
    putModulePlugin(
      hob,
      'spins',
      `hookHints: 16, preDestruction(id, rootfs, data, { attempt }) {
        const { existsSync, appendFileSync } = process.getBuiltinModule('node:fs');
        appendFileSync('${hob.dir}/calls', 'spins preDestruction begin ' + attempt + '\\n');
        while (!existsSync('${gate}') && attempt === 1);
        return true;
      }`,
    );
    hob.drop('spun', { command: runsForever, plugins: [{ name: 'spins', timeoutSeconds: 600 }] });
    await pidOf('spun');
    hob.remove('spun');
    await untilTrue('it spins', () => callsOf(hob).length === 1);
    expect(await hob.stop()).toBe(0);
    await hob.start();
    await leavesNothing('spun');
    expect(callsOf(hob)).toEqual([1, 2].map((attempt) => `spins preDestruction begin ${attempt}`));
    expect(eventsOf(hob).map(({ reason }) => reason)).not.toContain('InternalError');
  });
});
