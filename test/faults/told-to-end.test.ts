import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkfifo } from '../../src/host/libc.ts';
import { everyHookOnce, hooksBegun, putShellPlugin, untilCalled, untilHookEnded } from '../support/faults.ts';
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

async function restart(): Promise<void> {
  expect(await hob.stop()).toBe(0);
  await hob.start();
}

async function leavesNothing(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, name)).toEqual([]);
}

describe('SIGTERM to hob while a hook runs at', () => {
  it.each(['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction'])(
    '%s: hob ends with code 0, the next calls that one once more, told so, and all others once',
    async (point) => {
      crun.close();
      const name = point.toLowerCase();
      putShellPlugin(hob, name, 31, `${point}) while [ ! -e ${crun.gate} ]; do sleep 0.05; done;;`);
      hob.drop(name, { command: runsForever, plugins: [{ name }] });
      const isAtEnd = point === 'postStop' || point === 'preDestruction';
      if (isAtEnd) {
        await untilHookEnded(hob, name, 'postStart');
        hob.remove(name);
      }
      await untilCalled(hob, `${name} ${point} begin 1`);
      await restart();
      await untilCalled(hob, `${name} ${point} begin 2`);
      crun.open();
      if (!isAtEnd) {
        await untilHookEnded(hob, name, 'postStart');
        expect((await hob.untilPhase(name, 'Running')).status).toMatchObject({
          restartCount: 0,
          instanceID: expect.stringMatching(/-1$/),
        });
        hob.remove(name);
      }
      await hob.until(name, 'is gone', (one) => one === undefined);
      expect(hooksBegun(hob, name)).toEqual(
        everyHookOnce.flatMap((hook) => (hook === `${point} 1` ? [hook, `${point} 2`] : [hook])),
      );
      expect(remainsOf(hob, name)).toEqual([]);
    },
  );
});

describe('SIGTERM to hob while crun', () => {
  it('starts a container: hob ends with code 0, the next goes on with that start', async () => {
    crun.waitAt('run');
    hob.drop('starting', { command: runsForever });
    await crun.untilItWaits();
    await restart();
    crun.open();
    const { status } = await hob.untilPhase('starting', 'Running');
    expect(status).toMatchObject({ restartCount: 0, instanceID: expect.stringMatching(/-1$/) });
    expect(processesOf(join(hob.dir, 'run/instances/starting'))).toHaveLength(2);
    await leavesNothing('starting');
  });

  it.each([
    ['pauses', 'pause', { desiredState: 'Paused' }, 'Paused'],
    ['changes the limits of', 'update', { resources: { memory: '48Mi' } }, 'Running'],
  ])('%s a container: hob ends with code 0, the next does it', async (_, command, change, phase) => {
    hob.drop(command, { command: runsForever, resources: { memory: '32Mi' } });
    const { status } = await hob.untilPhase(command, 'Running');
    crun.waitAt(command);
    hob.drop(command, { command: runsForever, resources: { memory: '32Mi' }, ...change });
    await crun.untilItWaits();
    const stopped = hob.stop();
    // It waits for what crun was asked for, or leaves it to the keeper.
    crun.open();
    expect(await stopped).toBe(0);
    await hob.start();
    const after = await hob.until(
      command,
      'has changed',
      (one) => one?.status?.phase === phase && one.status.observedGeneration === 2,
    );
    expect(after?.status).toMatchObject({ pid: status?.pid, restartCount: 0 });
    await leavesNothing(command);
  });
});

describe('SIGTERM to hob', () => {
  it('that has yet to read what was applied: it ends in order when it has, and says how to stop the containers', async () => {
    await hob.kill();
    const fifo = join(hob.dir, 'state/applied/slow.json');
    mkdirSync(dirname(fifo), { recursive: true });
    mkfifo(fifo, 0o600);
    await hob.start();
    const writer = await open(fifo, 'w');
    const ended = hob.stop();
    expect(await Promise.race([ended, delay(300, 'waits')])).toBe('waits');
    rmSync(fifo);
    await writer.close();
    expect(await ended).toBe(0);
    expect(hob.output()).toContain('hob down');
    await hob.start();
  });

  it('in a grace period: the container ends by itself or by the next hob', async () => {
    const stubborn = ['/bin/sh', '-c', 'trap "echo deaf" TERM; while true; do sleep 0.1; done'];
    hob.drop('stubborn', { command: stubborn, terminationGracePeriodSeconds: 1 });
    await hob.untilPhase('stubborn', 'Running');
    hob.remove('stubborn');
    await hob.untilPhase('stubborn', 'Stopping');
    await restart();
    await hob.until('stubborn', 'is gone', (one) => one === undefined);
    expect(remainsOf(hob, 'stubborn')).toEqual([]);
  });

  it('in a back-off: failures in a row stay counted', async () => {
    hob.drop('loops', { command: ['/bin/sh', '-c', 'exit 3'] });
    await hob.until(
      'loops',
      'backs off again',
      (one) => one?.status?.phase === 'Backoff' && one.status.restartCount === 1,
    );
    await restart();
    await untilTrue('it failed a third time', () => /in 4 s; failures in a row: 3/.test(hob.output()));
    await leavesNothing('loops');
  });
});

it('two hobs that are started at once on the same directories: one serves, the other ends and says why', async () => {
  hob.drop('kept', { command: runsForever });
  const { status } = await hob.untilPhase('kept', 'Running');
  const env = { HOB_RUN_DIR: join(hob.dir, 'run'), HOB_STATE_DIR: join(hob.dir, 'state') };
  for (let round = 0; round < 3; round++) {
    await hob.kill();
    const rival = testHob({ env, args: ['--watch', hob.watch] });
    await Promise.all([hob.start(), rival.start()]);
    // Between its lock and its pid the first one is only known to be there.
    const refusal = /another hob \(pid (\d+|not known yet)\) uses/;
    await untilTrue('one has ended', () => refusal.test(rival.output()) || refusal.test(hob.output()));
    expect((await hob.untilPhase('kept', 'Running')).status).toMatchObject({ pid: status?.pid, restartCount: 0 });
    expect(processesOf(join(hob.dir, 'run/instances/kept'))).toHaveLength(2);
    await rival.kill();
    rmSync(rival.dir, { recursive: true });
    await hob.kill();
    await hob.start();
  }
  await leavesNothing('kept');
});

it('leaves no directory for a hob that was refused', () => {
  mkdirSync(join(hob.dir, 'other'));
  const { code, stderr } = hob.tryCli('run', '--watch', hob.watch, '--run-dir', join(hob.dir, 'other'));
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/another hob/) });
});
