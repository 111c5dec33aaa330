import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsOf, keeperOf, putShellPlugin, untilCalled, untilHookEnded } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const gate = join(hob.dir, 'gate');
const open = (): void => writeFileSync(gate, '');
const close = (): void => rmSync(gate, { force: true });
const untilGone = (name: string) => hob.until(name, 'is gone', (one) => one === undefined);

/** A plugin with all hooks, that waits at one of them until the gate is open. */
const putGated = (name: string, point: string): void =>
  putShellPlugin(hob, name, 31, `${point}) while [ ! -e ${gate} ]; do sleep 0.05; done;;`);

/** The beginnings of its hooks, with the attempt. */
const begun = (name: string): string[] =>
  callsOf(hob).flatMap((line) =>
    line.startsWith(`${name} `) && line.includes(' begin ') ? [line.replace(`${name} `, '').replace(' begin', '')] : [],
  );

describe('kill -9 of hob in the middle of', () => {
  it('a preStart hook: the hook is called once more, the start is gone on with', async () => {
    close();
    putGated('pre', 'preStart');
    hob.drop('pre', { command: runsForever, plugins: [{ name: 'pre' }] });
    await untilCalled(hob, 'pre preStart begin 1');
    await hob.kill();
    await hob.start();
    await untilCalled(hob, 'pre preStart begin 2');
    open();
    const { status } = await hob.untilPhase('pre', 'Running');
    await untilHookEnded(hob, 'pre', 'postStart');
    expect(status).toMatchObject({ restartCount: 0, instanceID: expect.stringMatching(/-1$/) });
    expect(begun('pre')).toEqual(['postConstruction 1', 'preStart 1', 'preStart 2', 'postStart 1']);
    hob.remove('pre');
    await untilGone('pre');
  });

  it('a postStop hook: it is called once more, preDestruction once', async () => {
    open();
    putGated('post', 'postStop');
    hob.drop('post', { command: runsForever, plugins: [{ name: 'post' }] });
    await untilHookEnded(hob, 'post', 'postStart');
    close();
    hob.remove('post');
    await untilCalled(hob, 'post postStop begin 1');
    await hob.kill();
    await hob.start();
    await untilCalled(hob, 'post postStop begin 2');
    open();
    await untilGone('post');
    expect(begun('post').slice(-3)).toEqual(['postStop 1', 'postStop 2', 'preDestruction 1']);
  });

  it('the grace period: the container is ended all the same', async () => {
    const stubborn = ['/bin/sh', '-c', 'trap "echo deaf" TERM; while true; do sleep 0.1; done'];
    hob.drop('stubborn', { command: stubborn, terminationGracePeriodSeconds: 2 });
    const { status } = await hob.untilPhase('stubborn', 'Running');
    hob.remove('stubborn');
    await hob.untilPhase('stubborn', 'Stopping');
    await hob.kill();
    expect(isAlive(status?.pid ?? 0)).toBe(true);
    await hob.start();
    await untilGone('stubborn');
    expect(isAlive(status?.pid ?? 0)).toBe(false);
  });

  it('a back-off: it goes on where it was, and failures in a row stay counted', async () => {
    hob.drop('loops', { command: ['/bin/sh', '-c', 'exit 3'] });
    await hob.until(
      'loops',
      'failed twice',
      (one) => one?.status?.phase === 'Backoff' && one.status.restartCount === 1,
    );
    const before = hob.get('loops')?.status;
    await hob.kill();
    await hob.start();
    const after = await hob.until('loops', 'is there', (one) => one !== undefined);
    if (after?.status?.phase === 'Backoff' && after.status.restartCount === 1)
      expect(after.status.nextRestartAt).toBe(before?.nextRestartAt);
    await hob.until('loops', 'failed a third time', (one) => (one?.status?.restartCount ?? 0) >= 2);
    hob.remove('loops');
    await untilGone('loops');
  });
});

describe('hob ended while', () => {
  it('a preStart hook runs, by SIGTERM: that hook has not failed, the next hob calls it once more', async () => {
    close();
    putGated('term', 'preStart');
    hob.drop('term', { command: runsForever, plugins: [{ name: 'term' }] });
    await untilCalled(hob, 'term preStart begin 1');
    expect(await hob.stop()).toBe(0);
    await hob.start();
    await untilCalled(hob, 'term preStart begin 2');
    open();
    const { status } = await hob.untilPhase('term', 'Running');
    expect(status).toMatchObject({ restartCount: 0, instanceID: expect.stringMatching(/-1$/) });
    expect(begun('term').slice(0, 3)).toEqual(['postConstruction 1', 'preStart 1', 'preStart 2']);
  });

  it('its keeper ends, too, and a spec is taken away: the next one tears down with every hook, once', async () => {
    await untilHookEnded(hob, 'term', 'postStart');
    const keeper = keeperOf(hob);
    await hob.kill();
    process.kill(keeper, 'SIGKILL');
    hob.remove('term');
    await hob.start();
    await untilGone('term');
    expect(begun('term').slice(-3)).toEqual(['postStart 1', 'postStop 1', 'preDestruction 1']);
  });
});
