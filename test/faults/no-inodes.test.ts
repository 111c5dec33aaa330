import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { everyHookOnce, hooksBegun, putShellPlugin, untilEvent, untilHookEnded } from '../support/faults.ts';
import { runsForever, testHob } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

// hob has to see the small file systems, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
const disks: Record<string, SmallDisk> = {};

beforeAll(async () => {
  for (const name of ['run', 'state']) disks[name] = mountSmallDisk(join(hob.dir, name), 'size=32m,nr_inodes=400');
  await hob.start();
});

afterAll(async () => {
  for (const disk of Object.values(disks)) disk.makeRoom();
  hob.tryCli('down');
  for (const disk of Object.values(disks)) disk.unmount();
  await hob.dispose();
});

const withLimit = (memory: string) => ({ command: runsForever, resources: { memory } });

describe.each([
  ['run', 'CreateError'],
  ['state', 'OverlayFailed'],
])('with no inode left on the file system of the %s directory', (where, reason) => {
  const named = (what: string): string => `${what}-${where}`;
  const [stays, crashes, goes, late] = ['stays', 'crashes', 'goes', 'late'].map(named) as [
    string,
    string,
    string,
    string,
  ];
  const words = /no inode is left on the file system of .*: remove files|is that full, or without inodes/;
  let pid: number | undefined;

  it('what runs goes on, is changed, and goes; what is to start says what to do', async () => {
    for (const name of [goes, crashes]) {
      putShellPlugin(hob, name, 31, '');
      hob.drop(name, { command: runsForever, plugins: [{ name }] });
    }
    hob.drop(stays, withLimit('32Mi'));
    const crashing = await hob.untilPhase(crashes, 'Running');
    for (const name of [goes, crashes]) await untilHookEnded(hob, name, 'postStart');
    pid = (await hob.untilPhase(stays, 'Running')).status?.pid;
    // What ends gives some back.
    disks[where]?.useUpInodes();
    const again = setInterval(() => disks[where]?.useUpInodes(), 20);
    onTestFinished(() => clearInterval(again));
    hob.drop(late, { command: runsForever });
    process.kill(crashing.status?.pid ?? 0, 'SIGKILL');
    hob.remove(goes);
    hob.drop(stays, withLimit('48Mi'));
    for (const name of [late, crashes]) await untilEvent(hob, `default/${name}`, reason, words);
    await untilEvent(hob, `default/${stays}`, 'Updated', /new limits/);
    await hob.until(goes, 'is gone', (one) => one === undefined);
    expect(hooksBegun(hob, goes)).toEqual(everyHookOnce);
    expect(remainsOf(hob, goes)).toEqual([]);
  });

  it('when there are inodes again, all comes up by itself, and goes in the end', async () => {
    disks[where]?.makeRoom();
    for (const name of [late, crashes]) await hob.untilPhase(name, 'Running');
    expect((await hob.untilPhase(stays, 'Running')).status).toMatchObject({ pid, restartCount: 0 });
    for (const name of [late, crashes, stays]) {
      hob.remove(name);
      await hob.until(name, 'is gone', (one) => one === undefined);
      expect(remainsOf(hob, name)).toEqual([]);
    }
  });
});
