import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  everyHookOnce,
  hooksBegun,
  keeperOf,
  putShellPlugin,
  untilHookEnded,
  untilRunsAgain,
} from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { testHob, untilTrue } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const command = ['/bin/sh', '-c', 'trap "exit 7" TERM; echo up; while true; do sleep 0.1; done'];

/** In the mount namespace where hob's overlays are: that of its keeper, too. */
const inNamespace = (...args: string[]): void =>
  void execFileSync('nsenter', [`--mount=/proc/${keeperOf(hob)}/ns/mnt`, ...args]);

const losses: [string, string, (directory: string) => void][] = [
  ['unmounts its overlay', 'unmounted', (directory) => inNamespace('umount', '-l', join(directory, 'merged'))],
  [
    'deletes where its overlay keeps what is written',
    'emptied',
    (directory) => ['upper', 'work'].forEach((name) => rmSync(join(directory, name), { recursive: true })),
  ],
  [
    'does both',
    'nowhere',
    (directory) => {
      inNamespace('umount', '-l', join(directory, 'merged'));
      rmSync(directory, { recursive: true });
    },
  ],
];

describe.each([false, true])('while hob is dead (%s), when somebody', (dead) => {
  it.each(losses)(
    '%s, the container runs on, is started again on a new one, and leaves nothing',
    async (_, what, lose) => {
      const name = `${what}${dead ? '-dead' : ''}`;
      putShellPlugin(hob, name, 31, '');
      hob.drop(name, { command, plugins: [{ name }] });
      await untilHookEnded(hob, name, 'postStart');
      const { status } = await hob.untilPhase(name, 'Running');
      const pid = status?.pid ?? 0;
      if (dead) await hob.kill();
      lose(join(hob.dir, 'state/overlays', name, status?.instanceID ?? ''));
      if (dead) await hob.start();
      expect((await hob.untilPhase(name, 'Running')).status).toMatchObject({ pid, restartCount: 0 });
      process.kill(pid, 'SIGTERM');
      await untilTrue('it has ended', () => !isAlive(pid));
      const again = await untilRunsAgain(hob, name);
      expect(again?.status?.lastTermination).toMatchObject({ exitCode: 7 });
      hob.remove(name);
      await hob.until(name, 'is gone', (one) => one === undefined);
      expect(hooksBegun(hob, name)).toEqual([...everyHookOnce, ...everyHookOnce]);
      expect(remainsOf(hob, name)).toEqual([]);
    },
  );
});
