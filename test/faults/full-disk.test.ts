import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

// hob has to see the small file systems, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
let state: SmallDisk;
let run: SmallDisk;

beforeAll(async () => {
  [state, run] = [mountSmallDisk(join(hob.dir, 'state'), 'size=3m'), mountSmallDisk(join(hob.dir, 'run'), 'size=3m')];
  await hob.start();
});

afterAll(async () => {
  for (const disk of [state, run]) disk.makeRoom();
  hob.tryCli('down');
  for (const disk of [state, run]) disk.unmount();
  await hob.dispose();
});

it('with a full state directory containers run on, start and stop; what happened is in the journal when there is room', async () => {
  hob.drop('before', { command: runsForever });
  const before = (await hob.untilPhase('before', 'Running')).status?.pid;
  state.fill();
  hob.drop('during', { command: runsForever, resources: { memory: '32Mi' } });
  const during = (await hob.untilPhase('during', 'Running')).status?.pid;
  await untilTrue('hob says so', () => /cannot write the journal .*free some space/.test(hob.output()));
  expect(hob.get('before')?.status?.pid).toBe(before);
  hob.remove('before');
  await hob.until('before', 'is gone', (one) => one === undefined);
  state.makeRoom();
  await untilTrue('all that was owed is in the journal', () =>
    hob.output().includes('the journal can be written again'),
  );
  hob.drop('during', { command: runsForever, resources: { memory: '64Mi' } });
  await untilEvent(hob, 'default/during', 'Updated', /new limits/);
  await hob.kill();
  await hob.start();
  expect((await hob.untilPhase('during', 'Running')).status).toMatchObject({ pid: during, restartCount: 0 });
  await untilTrue('hob says so', () => hob.output().includes('found 1 container again'));
});

it('with a full run directory a start fails and says why, and is made up for when there is room', async () => {
  const { status } = await hob.untilPhase('during', 'Running');
  run.fill();
  hob.drop('late', { command: runsForever });
  await untilEvent(hob, 'default/late', 'CreateError', /ENOSPC.*\/run\/.* is full: free some space/);
  expect(hob.get('during')?.status).toMatchObject({ phase: 'Running', pid: status?.pid });
  run.makeRoom();
  await hob.untilPhase('late', 'Running');
});

it('that is full at the start, hob keeps its journal in the run directory, says so, and brings it home when there is room', async () => {
  const { status } = await hob.untilPhase('during', 'Running');
  await hob.kill();
  state.fill();
  await hob.start();
  await untilTrue('hob says so', () => /"JournalElsewhere".*full.*free some space/.test(hob.output()));
  expect((await hob.untilPhase('during', 'Running')).status?.pid).toBe(status?.pid);
  hob.remove('late');
  await hob.until('late', 'is gone', (one) => one === undefined);
  await hob.kill();
  state.makeRoom();
  await hob.start();
  expect((await hob.untilPhase('during', 'Running')).status?.pid).toBe(status?.pid);
  expect(hob.get('late')).toBeUndefined();
  expect(hob.cli('events')).toContain('JournalElsewhere');
});
