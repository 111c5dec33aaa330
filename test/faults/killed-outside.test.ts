import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyHookOnce, hooksBegun, putShellPlugin, untilHookEnded, untilRunsAgain } from '../support/faults.ts';
import { isAlive, parentOf } from '../support/processes.ts';
import { testHob, untilTrue } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const listens = ['/bin/sh', '-c', 'trap "exit 7" TERM; while true; do sleep 0.1; done'];

/** A container with a plugin that notes each hook. */
async function start(name: string, restartPolicy: string): Promise<number> {
  putShellPlugin(hob, name, 31, '');
  hob.drop(name, { command: listens, restartPolicy, plugins: [{ name }] });
  await untilHookEnded(hob, name, 'postStart');
  const { status } = await hob.untilPhase(name, 'Running');
  return status?.pid ?? 0;
}

async function leavesNothing(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, name)).toEqual([]);
}

const kill = (pid: number): boolean => process.kill(pid, 'SIGKILL');
const untilEnded = (pid: number): Promise<void> => untilTrue(`process ${pid} has ended`, () => !isAlive(pid));
const crun = (...args: string[]) => spawnSync('crun', ['--root', join(hob.dir, 'run/crun'), ...args]);

const around: [string, string, (init: number) => number[]][] = [
  ['its shell', 'shell', (init) => [parentOf(parentOf(init))]],
  ['its crun', 'crun', (init) => [parentOf(init)]],
  ['both', 'both', (init) => [parentOf(parentOf(init)), parentOf(init)]],
];

describe.each([false, true])(
  'while hob is dead (%s), a container goes on, and ends as it should, when somebody kills',
  (dead) => {
    it.each(around)('%s', async (_, which, victimsOf) => {
      const name = `${which}${dead ? '-dead' : ''}`;
      const pid = await start(name, 'OnFailure');
      const victims = victimsOf(pid);
      if (dead) await hob.kill();
      victims.forEach(kill);
      for (const victim of victims) await untilEnded(victim);
      if (dead) await hob.start();
      expect((await hob.untilPhase(name, 'Running')).status).toMatchObject({ pid, restartCount: 0 });
      process.kill(pid, 'SIGTERM');
      const again = await untilRunsAgain(hob, name);
      expect(again?.status?.lastTermination).toMatchObject({ exitCode: 7 });
      expect(hooksBegun(hob, name).slice(0, 5)).toEqual(everyHookOnce);
      await leavesNothing(name);
      expect(hooksBegun(hob, name).slice(5)).toEqual(everyHookOnce);
    });
  },
);

const ends: [string, string, (init: number, name: string) => unknown, object][] = [
  ['SIGKILL to its init', 'init', (init) => kill(init), { signal: 'SIGKILL', exitCode: 137 }],
  ['`crun kill`', 'killed', (_, name) => crun('kill', name, 'TERM'), { exitCode: 7 }],
  // Its code says little: its own crun parent deletes the container at the same time.
  ['`crun delete -f`', 'deleted', (_, name) => crun('delete', '-f', name), {}],
];

describe.each([false, true])('while hob is dead (%s), a container that is ended from outside by', (dead) => {
  it.each(ends)('%s is started again, with all its hooks', async (_, which, end, termination) => {
    const name = `${which}${dead ? '-dead' : ''}`;
    const pid = await start(name, 'Always');
    if (dead) await hob.kill();
    end(pid, name);
    await untilEnded(pid);
    if (dead) await hob.start();
    const again = await untilRunsAgain(hob, name);
    expect(again?.status?.lastTermination).toMatchObject({ ...termination, oomKilled: false });
    await leavesNothing(name);
    expect(hooksBegun(hob, name)).toEqual([...everyHookOnce, ...everyHookOnce]);
  });
});

it('a container that `crun pause` held still while hob was dead runs on', async () => {
  const pid = await start('held', 'Always');
  await hob.kill();
  expect(crun('pause', 'held').status).toBe(0);
  await hob.start();
  expect((await hob.untilPhase('held', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
  process.kill(pid, 'SIGTERM');
  await untilEnded(pid);
  await leavesNothing('held');
});
