import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventsOf, untilEvent } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

// hob has to see the small file system, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
const shared = join(hob.dir, 'shared');
let logs: SmallDisk;

beforeAll(async () => {
  mkdirSync(shared);
  logs = mountSmallDisk(join(hob.dir, 'state/logs'), 'size=512k');
  await hob.start();
});

afterAll(async () => {
  hob.tryCli('down');
  logs.unmount();
  await hob.dispose();
});

/** Prints as fast as it can, and counts where everybody sees it; slowly when it is told to. */
const printsFast = [
  '/bin/sh',
  '-c',
  `trap "exit 0" TERM; i=0
  while true; do
    i=$((i+1)); echo "line $i"; case $i in *00) echo $i >/mnt/count;; esac
    [ -e /mnt/slow ] && sleep 0.1
  done`,
];
const count = (): number =>
  existsSync(join(shared, 'count')) ? Number(readFileSync(join(shared, 'count'), 'utf8')) : 0;
const losses = (name: string) =>
  eventsOf(hob).filter(({ container, reason }) => container === `default/${name}` && reason === 'OutputLost');

it('where logs are kept is full, a container that prints goes on, and hob says once what to do', async () => {
  hob.drop('fast', { command: printsFast, mounts: [{ source: shared, destination: '/mnt' }] });
  const { status } = await hob.untilPhase('fast', 'Running');
  await untilTrue('it has printed', () => count() > 0);
  logs.fill();
  await untilEvent(hob, 'default/fast', 'OutputLost', /logs\/fast\/.* cannot be written: ENOSPC.*make room/);
  const before = count();
  await untilTrue('it goes on', () => count() > before + 20_000);
  expect(hob.get('fast')?.status).toMatchObject({ phase: 'Running', pid: status?.pid });
  expect(losses('fast')).toHaveLength(1);
});

it('meanwhile others start, are restarted, stop and go', async () => {
  hob.drop('other', { command: runsForever });
  const { status } = await hob.untilPhase('other', 'Running');
  process.kill(status?.pid ?? 0, 'SIGKILL');
  await hob.until('other', 'is back', (one) => one?.status?.phase === 'Running' && one.status.restartCount === 1);
  hob.drop('other', { command: runsForever, desiredState: 'Stopped' });
  await hob.untilPhase('other', 'Stopped');
  hob.remove('other');
  await hob.until('other', 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, 'other')).toEqual([]);
});

it('when there is room, the log says how much is missing, and goes on', async () => {
  writeFileSync(join(shared, 'slow'), '');
  logs.makeRoom();
  await untilTrue('it is written again', () =>
    /\[hob\] \d+ lines \(\d+ bytes\) of output are missing here: ENOSPC.*\nline \d+\n/.test(hob.cli('logs', 'fast')),
  );
  hob.remove('fast');
  await hob.until('fast', 'is gone', (one) => one === undefined);
  expect(remainsOf(hob, 'fast')).toEqual([]);
});
