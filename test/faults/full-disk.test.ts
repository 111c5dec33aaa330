import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

// hob has to see the small file systems, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
const small = ['state', 'run'].map((name) => join(hob.dir, name));

beforeAll(async () => {
  for (const directory of small) {
    mkdirSync(directory, { mode: 0o700 });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m,mode=700', 'tmpfs', directory]);
  }
  await hob.start();
});

afterAll(async () => {
  small.forEach(makeRoom);
  await hob.stop();
  hob.tryCli('down');
  for (const directory of small) execFileSync('umount', ['-l', directory]);
  await hob.dispose();
});

/** To the last byte: what is written in whole blocks leaves none for others. */
function fill(directory: string): void {
  try {
    for (let i = 0; ; i++) writeFileSync(join(directory, `filling-${i}`), Buffer.alloc(64 * 1024));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

const makeRoom = (directory: string): void => {
  for (let i = 0; i < 50; i++) rmSync(join(directory, `filling-${i}`), { force: true });
};

const [state = '', run = ''] = small;

it('with a full state directory containers run on, start and stop; what happened is in the journal when there is room', async () => {
  hob.drop('before', { command: runsForever });
  const before = (await hob.untilPhase('before', 'Running')).status?.pid;
  fill(state);
  hob.drop('during', { command: runsForever, resources: { memory: '32Mi' } });
  const during = (await hob.untilPhase('during', 'Running')).status?.pid;
  await untilTrue('hob says so', () => /cannot write the journal .*free some space/.test(hob.output()));
  expect(hob.get('before')?.status?.pid).toBe(before);
  hob.remove('before');
  await hob.until('before', 'is gone', (one) => one === undefined);
  makeRoom(state);
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
  fill(run);
  hob.drop('late', { command: runsForever });
  await untilEvent(hob, 'default/late', 'CreateError', /ENOSPC.*run directory is full: free some space/);
  expect(hob.get('during')?.status).toMatchObject({ phase: 'Running', pid: status?.pid });
  makeRoom(run);
  await hob.untilPhase('late', 'Running');
});

it('that is full at the start, hob keeps its journal in the run directory, says so, and brings it home when there is room', async () => {
  const { status } = await hob.untilPhase('during', 'Running');
  await hob.kill();
  fill(state);
  await hob.start();
  await untilTrue('hob says so', () => /"JournalElsewhere".*full.*free some space/.test(hob.output()));
  expect((await hob.untilPhase('during', 'Running')).status?.pid).toBe(status?.pid);
  hob.remove('late');
  await hob.until('late', 'is gone', (one) => one === undefined);
  await hob.kill();
  makeRoom(state);
  await hob.start();
  expect((await hob.untilPhase('during', 'Running')).status?.pid).toBe(status?.pid);
  expect(hob.get('late')).toBeUndefined();
  expect(hob.cli('events')).toContain('JournalElsewhere');
});
