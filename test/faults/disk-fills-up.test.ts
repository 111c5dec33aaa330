import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyHookOnce, hooksBegun, putShellPlugin, untilEvent, untilHookEnded } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';
import { mountSmallDisk, type SmallDisk } from '../support/small-disk.ts';

// hob has to see the small file system, so it runs where this test does: in its mount namespace, if it has one of its own.
delete process.env['HOB_TEST_HOST_MNT'];
const hob = testHob();
let state: SmallDisk;

beforeAll(async () => {
  state = mountSmallDisk(join(hob.dir, 'state'), 'size=3m');
  putShellPlugin(hob, 'all', 31, '');
  putShellPlugin(hob, 'leaves', 31, '');
  putShellPlugin(hob, 'greets', 4, '');
  await hob.start();
});

afterAll(async () => {
  state.makeRoom();
  hob.tryCli('down');
  state.unmount();
  await hob.dispose();
});

const names = ['all', 'leaves', 'greets'];
const crash = async (name: string): Promise<void> => {
  const pid = hob.get(name)?.status?.pid;
  process.kill(pid ?? 0, 'SIGKILL');
  await untilEvent(hob, `default/${name}`, 'Exited', /SIGKILL/);
};

describe('while hob runs, the disk of its journal becomes full, and', () => {
  it('a container with plugins that crashes has its teardown hooks, and says what keeps it from starting', async () => {
    for (const name of names) hob.drop(name, { command: runsForever, plugins: [{ name }] });
    for (const name of names) await untilHookEnded(hob, name, 'postStart');
    state.fill();
    await crash('all');
    await untilEvent(
      hob,
      'default/all',
      'PostConstructionFailed',
      /plugin all: JournalFailed: .*cannot write the journal.*free some space/,
    );
    expect(hooksBegun(hob, 'all').slice(0, 5)).toEqual(everyHookOnce);
  });

  it('one whose plugin only takes part when it runs is there again, with its hook', async () => {
    await crash('greets');
    await hob.until('greets', 'is back', (one) => one?.status?.phase === 'Running' && one.status.restartCount === 1);
    await untilTrue('its hook was called', () => hooksBegun(hob, 'greets').length === 2);
  });

  it('one that is removed has its teardown hooks, once, and leaves nothing', async () => {
    hob.remove('leaves');
    await hob.until('leaves', 'is gone', (one) => one === undefined);
    expect(hooksBegun(hob, 'leaves')).toEqual(everyHookOnce);
    expect(remainsOf(hob, 'leaves')).toEqual([]);
  });

  it('when there is room, all comes up without anybody', async () => {
    state.makeRoom();
    await untilTrue('it is back, with its hooks', () => hooksBegun(hob, 'all').at(-1) === 'postStart 1');
    await untilHookEnded(hob, 'all', 'postStart');
    // What other containers are owed may come a second later.
    await untilTrue('hob says so', () => hob.output().includes('the journal can be written again'));
  });

  it('a hob that is told to end before there is room leaves nothing to be done twice', async () => {
    const { pid } = (await hob.untilPhase('all', 'Running')).status ?? {};
    state.fill();
    hob.remove('greets');
    await hob.until('greets', 'is gone', (one) => one === undefined);
    const begun = names.map((name) => hooksBegun(hob, name));
    expect(await hob.stop()).toBe(0);
    state.makeRoom();
    await hob.start();
    expect((await hob.untilPhase('all', 'Running')).status).toMatchObject({ pid });
    expect(hob.all().map(({ metadata }) => metadata.name)).toEqual(['all']);
    expect(names.map((name) => hooksBegun(hob, name))).toEqual(begun);
  });
});
