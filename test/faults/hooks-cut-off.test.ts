import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callsOf, keeperOf, putShellPlugin, untilCalled, untilEvent } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, type TestHob, testHob, untilTrue } from '../support/hob.ts';

let hob: TestHob;

beforeEach(async () => {
  hob = testHob();
  await hob.start();
});

afterEach(() => hob.dispose());

const path = (name: string): string => join(hob.dir, name);
const go = (): void => writeFileSync(path('go'), '');
const untilGo = (): string => `while [ ! -e ${path('go')} ]; do sleep 0.05; done`;
/** Of the program that wrote its pid there last. */
const pidIn = (name: string): number => (existsSync(path(name)) ? Number(readFileSync(path(name), 'utf8')) : 0);

/** Its postConstruction waits for `go`, and for a process of its own. */
const putSlowPlugin = (): void =>
  putShellPlugin(hob, 'slow', 17, `postConstruction) { ${untilGo()}; } & echo $! >${path('pid')}; wait;;`);

async function slowIsCalled(attempt: number): Promise<number> {
  await untilCalled(hob, `slow postConstruction begin ${attempt}`);
  await untilTrue('it waits', () => pidIn('pid') > 0);
  return pidIn('pid');
}

describe('an executable in the middle of its postConstruction', () => {
  beforeEach(() => {
    putSlowPlugin();
    hob.drop('web', { command: runsForever, plugins: [{ name: 'slow', timeoutSeconds: 600 }] });
  });

  it('ends with a hob that is killed, before the next one calls it again', async () => {
    for (const attempt of [1, 2, 3]) {
      const pid = await slowIsCalled(attempt);
      rmSync(path('pid'));
      await hob.kill();
      await untilTrue('its process has ended', () => !isAlive(pid));
      await hob.start();
    }
    go();
    await hob.untilPhase('web', 'Running');
    expect(callsOf(hob)).toEqual([
      'slow postConstruction begin 1',
      'slow postConstruction begin 2',
      'slow postConstruction begin 3',
      'slow postConstruction begin 4',
      'slow postConstruction end',
    ]);
  });

  it('ends with a hob that is killed, also when its container is not wanted by the next', async () => {
    const pid = await slowIsCalled(1);
    await hob.kill();
    hob.remove('web');
    await hob.start();
    await hob.until('web', 'is gone', (one) => one === undefined);
    expect(isAlive(pid)).toBe(false);
    expect(callsOf(hob).slice(-2)).toEqual(['slow preDestruction begin 1', 'slow preDestruction end']);
    expect(callsOf(hob)).not.toContain('slow postConstruction end');
  });

  it('ends with a hob that is asked to end', async () => {
    const pid = await slowIsCalled(1);
    expect(await hob.stop()).toBe(0);
    await untilTrue('its process has ended', () => !isAlive(pid));
    rmSync(path('pid'));
    await hob.start();
    await slowIsCalled(2);
  });

  it('ends with `hob down`, which comes back when hob and its keeper have ended', async () => {
    const pids = [await slowIsCalled(1), hob.pid, keeperOf(hob)];
    hob.cli('down');
    expect(pids.map(isAlive)).toEqual([false, false, false]);
    expect(callsOf(hob).slice(-2)).toEqual(['slow preDestruction begin 1', 'slow preDestruction end']);
  });
});

it('a program that a module runs ends with hob', async () => {
  writeFileSync(
    join(hob.plugins, 'runner.mjs'),
    `export default (environment, { run }) => ({
      name: 'runner',
      hookHints: 4,
      postStart: (id, pid, rootfsPath, data, { attempt }) =>
        attempt > 1 || run(['/bin/sh', '-c', 'echo $$ >${path('pid')}; exec sleep 1000'], { timeoutMs: 600000 }),
    });`,
  );
  await untilTrue('it is there', () => /runner .*ready/.test(hob.cli('plugins')));
  hob.drop('web', { command: runsForever, plugins: [{ name: 'runner', timeoutSeconds: 600 }] });
  await untilTrue('it runs', () => pidIn('pid') > 0);
  await hob.kill();
  await untilTrue('the program has ended', () => !isAlive(pidIn('pid')));
});

describe('a required executable with a preStart hook', () => {
  const put = (): void => putShellPlugin(hob, 'guard', 19, `postConstruction) ${untilGo()};;`);
  const breakIt = {
    'is removed': (): void => rmSync(join(hob.plugins, 'guard')),
    'can be written by everybody': (): void => chmodSync(join(hob.plugins, 'guard'), 0o777),
  };

  for (const [what, action] of Object.entries(breakIt))
    it(`that ${what} during postConstruction starts no container without it`, async () => {
      put();
      hob.drop('web', { command: ['/bin/sh', '-c', 'touch /ran'], plugins: [{ name: 'guard' }] });
      await untilCalled(hob, 'guard postConstruction begin 1');
      action();
      await untilTrue('hob knows', () => !/guard .*ready/.test(hob.cli('plugins')));
      go();
      await untilEvent(hob, 'default/web', 'PluginNotFound', /plugin guard, preStart/);
      await hob.untilPhase('web', 'Pending');
      expect(callsOf(hob)).toEqual(['guard postConstruction begin 1', 'guard postConstruction end']);
      expect(hob.get('web')?.status).not.toHaveProperty('exitCode');
      put();
      await untilCalled(hob, 'guard preStart end');
    });
});

it('a call that the death of the keeper cut off is told as interrupted, and counts in no figure', async () => {
  putShellPlugin(
    hob,
    'unlucky',
    4,
    `postStart) case $call in *'"attempt":1'*) echo $$ >${path('pid')}; sleep 1000 & wait;; esac;;`,
  );
  hob.drop('web', { command: runsForever, plugins: [{ name: 'unlucky' }] });
  await untilTrue('it runs', () => pidIn('pid') > 0);
  process.kill(keeperOf(hob), 'SIGKILL');
  await untilTrue('it was called again', () =>
    /postStart +unlucky +interrupted +1\n.* postStart +unlucky +ok +\S+ +2\n/.test(hob.cli('describe', 'web')),
  );
  expect(hob.cli('plugins')).toMatch(/^unlucky +executable +ready +1 +0 /m);
});
