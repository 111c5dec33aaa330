import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyHookOnce, hooksBegun, putShellPlugin, untilCalled } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { processesOf, remainsOf } from '../support/remains.ts';

/** A crun that waits at one of its commands until the gate is open. */
const bin = mkdtempSync(join(tmpdir(), 'hob-slow-crun-'));
const gate = join(bin, 'gate');
writeFileSync(
  join(bin, 'crun'),
  `#!/bin/sh
PATH='${process.env['PATH']}'
case " $* " in *" $(cat ${bin}/slow 2>/dev/null || echo none) "*) touch ${bin}/waits; while [ ! -e ${gate} ]; do sleep 0.05; done;; esac
exec crun "$@"
`,
);
chmodSync(join(bin, 'crun'), 0o755);

const hob = testHob({ env: { PATH: `${bin}:${process.env['PATH']}` } });
beforeAll(() => hob.start());
afterAll(async () => {
  open();
  await hob.dispose();
  rmSync(bin, { recursive: true });
});

const open = (): void => writeFileSync(gate, '');
const close = (): void => rmSync(gate, { force: true });

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
      close();
      const name = point.toLowerCase();
      putShellPlugin(hob, name, 31, `${point}) while [ ! -e ${gate} ]; do sleep 0.05; done;;`);
      hob.drop(name, { command: runsForever, plugins: [{ name }] });
      const isAtEnd = point === 'postStop' || point === 'preDestruction';
      if (isAtEnd) {
        await untilCalled(hob, `${name} postStart end`);
        hob.remove(name);
      }
      await untilCalled(hob, `${name} ${point} begin 1`);
      await restart();
      await untilCalled(hob, `${name} ${point} begin 2`);
      open();
      if (!isAtEnd) {
        await untilCalled(hob, `${name} postStart end`);
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

const slowly = (command: string): void => {
  close();
  rmSync(join(bin, 'waits'), { force: true });
  writeFileSync(join(bin, 'slow'), command);
};
const untilCrunWaits = (): Promise<void> => untilTrue('crun waits', () => hasWaited());
const hasWaited = (): boolean => rmOnce(join(bin, 'waits'));

function rmOnce(path: string): boolean {
  try {
    rmSync(path);
    return true;
  } catch {
    return false;
  }
}

describe('SIGTERM to hob while crun', () => {
  it('starts a container: hob ends with code 0, the next goes on with that start', async () => {
    slowly('run');
    hob.drop('starting', { command: runsForever });
    await untilCrunWaits();
    await restart();
    open();
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
    slowly(command);
    hob.drop(command, { command: runsForever, resources: { memory: '32Mi' }, ...change });
    await untilCrunWaits();
    const stopped = hob.stop();
    // It waits for what crun was asked for, or leaves it to the keeper.
    open();
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
    const refusal = /another hob \(pid \d+\) uses/;
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
