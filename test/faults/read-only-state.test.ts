import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsOf, eventsOf, putShellPlugin, untilHookEnded } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

// hob has to see the mounts that are made here, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
const state = join(hob.dir, 'state');
const mount = (...args: string[]): void => void execFileSync('mount', args);

/** What is open stays so; whoever opens a file from now on meets a read-only file system. */
function makeReadOnly(): void {
  mount('--rbind', state, state);
  mount('-o', 'remount,bind,ro', state);
}
const makeWritable = (): void => void execFileSync('umount', ['-l', state]);

beforeAll(async () => {
  putShellPlugin(hob, 'noted', 31, '');
  await hob.start();
});
afterAll(async () => {
  // What is mounted once more, by a test that failed in the middle.
  spawnSync('umount', ['-l', state]);
  await hob.dispose();
});

const untilSaid = (reason: string, words: RegExp) =>
  untilTrue(
    `hob says ${reason}: ${words}`,
    () => eventsOf(hob).some((event) => event.reason === reason && words.test(event.msg)),
    () => hob.output().slice(-4000),
  );
const begun = (): string[] => callsOf(hob).filter((line) => line.includes(' begin '));
const startHooks = ['noted postConstruction begin 1', 'noted preStart begin 1', 'noted postStart begin 1'];

describe('with a state directory that became read-only', () => {
  let pid: number | undefined;

  it('hob starts, says so, and looks after what runs', async () => {
    hob.drop('runs', { command: runsForever, plugins: [{ name: 'noted' }] });
    hob.drop('ends', { command: ['/bin/sh', '-c', 'exec sleep 1000'], readOnlyRootfs: true, restartPolicy: 'Never' });
    pid = (await hob.untilPhase('runs', 'Running')).status?.pid;
    const ends = await hob.untilPhase('ends', 'Running');
    await untilHookEnded(hob, 'runs', 'postStart');
    await hob.kill();
    makeReadOnly();
    await hob.start();
    await untilSaid('JournalElsewhere', /journal\.db: .*make them writable.*run directory/s);
    expect((await hob.untilPhase('runs', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    process.kill(ends.status?.pid ?? 0, 'SIGKILL');
    expect((await hob.untilPhase('ends', 'Failed')).status).toMatchObject({ signal: 'SIGKILL' });
    hob.remove('ends');
    await hob.until('ends', 'is gone', (one) => one === undefined);
    expect(begun()).toEqual(startHooks);
  });

  it('the next hob goes on with that journal', async () => {
    await hob.kill();
    await hob.start();
    expect((await hob.untilPhase('runs', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    expect(hob.get('ends')).toBeUndefined();
  });

  it('and once it is writable again, the journal is back in its place', async () => {
    await hob.kill();
    makeWritable();
    await hob.start();
    expect((await hob.untilPhase('runs', 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    expect(hob.cli('events')).toContain('JournalElsewhere');
    hob.remove('runs');
    await hob.until('runs', 'is gone', (one) => one === undefined);
    expect(begun()).toEqual([...startHooks, 'noted postStop begin 1', 'noted preDestruction begin 1']);
  });
});
