import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callsOf, hooksBegun, keeperOf, putShellPlugin, untilCalled, untilHears } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

/** Says the numbers up to this, as fast as it can, then goes on living. */
const counts = (last: number): string[] => [
  '/bin/sh',
  '-c',
  `i=0; while [ $i -lt ${last} ]; do i=$((i+1)); echo $i; done; trap "exit 0" TERM; while true; do sleep 0.1; done`,
];
const upTo = (last: number): string[] => Array.from({ length: last }, (_, at) => String(at + 1));
const linesOf = (name: string): string[] => hob.cli('logs', name).split('\n').filter(Boolean);

async function untilSaid(name: string, last: number): Promise<void> {
  await untilTrue(`${name} has said all`, () => hob.cli('logs', name).endsWith(`\n${last}\n`));
}

/** What a pipe holds is some 10 000 of these lines. */
const more = 60_000;

it('killed again and again while a container prints as fast as it can: not a line is lost, none is there twice', async () => {
  hob.drop('fast', { command: counts(more) });
  await hob.untilPhase('fast', 'Running');
  for (let kills = 0; kills < 5; kills++) {
    const keeper = keeperOf(hob);
    process.kill(keeper, 'SIGKILL');
    await untilTrue('there is another keeper', () => keeperOf(hob) !== keeper && isAlive(keeperOf(hob)));
  }
  await untilSaid('fast', more);
  expect(linesOf('fast')).toEqual(upTo(more));
  expect(hob.get('fast')?.status).toMatchObject({ phase: 'Running', restartCount: 0 });
  hob.remove('fast');
});

it('killed together with hob, while a container prints more than a pipe holds: it waits, and all is there in the end', async () => {
  // It begins when there is nobody to read.
  const [shell, option, script] = counts(more);
  const command = [shell, option, `while [ ! -e /mnt/alone ]; do sleep 0.05; done; ${script}`];
  hob.drop('much', { command, mounts: [{ source: hob.dir, destination: '/mnt', options: ['ro'] }] });
  const { status } = await hob.untilPhase('much', 'Running');
  const keeper = keeperOf(hob);
  await hob.kill();
  process.kill(keeper, 'SIGKILL');
  writeFileSync(join(hob.dir, 'alone'), '');
  const isWaiting = (): boolean => /pipe/.test(readFileSync(`/proc/${status?.pid}/wchan`, 'utf8'));
  await untilTrue('it waits for a reader', isWaiting);
  await hob.start();
  await untilSaid('much', more);
  expect(linesOf('much')).toEqual(upTo(more));
  expect(hob.get('much')?.status).toMatchObject({ phase: 'Running', pid: status?.pid, restartCount: 0 });
  hob.remove('much');
});

it('held still: it is replaced when it is asked for something, what was asked is done, and no line is lost', async () => {
  hob.drop('told', { command: counts(more) });
  const { status } = await hob.untilPhase('told', 'Running');
  const keeper = keeperOf(hob);
  process.kill(keeper, 'SIGSTOP');
  hob.drop('asked', { command: runsForever });
  await hob.untilPhase('asked', 'Running');
  await untilTrue('it was killed', () => !isAlive(keeper));
  await untilSaid('told', more);
  expect(linesOf('told')).toEqual(upTo(more));
  expect(hob.get('told')?.status).toMatchObject({ phase: 'Running', pid: status?.pid, restartCount: 0 });
  for (const name of ['told', 'asked']) hob.remove(name);
});

it('hob held still for seconds: what happened meanwhile is caught up with, nothing is done twice, the keeper stays', async () => {
  putShellPlugin(hob, 'slow', 4, `postStart) sleep 2;;`);
  hob.drop('slow', { command: runsForever, plugins: [{ name: 'slow' }] });
  hob.drop('ends', {
    command: ['/bin/sh', '-c', 'trap "exit 5" TERM; while true; do sleep 0.1; done'],
    restartPolicy: 'Never',
  });
  const { status } = await hob.untilPhase('ends', 'Running');
  await untilHears(status?.pid ?? 0);
  await untilCalled(hob, 'slow postStart begin 1');
  const keeper = keeperOf(hob);
  process.kill(hob.pid, 'SIGSTOP');
  try {
    process.kill(status?.pid ?? 0, 'SIGTERM');
    await untilTrue('it has ended', () => !isAlive(status?.pid ?? 0));
    hob.drop('late', { command: runsForever });
    await untilCalled(hob, 'slow postStart end');
  } finally {
    process.kill(hob.pid, 'SIGCONT');
  }
  expect((await hob.untilPhase('ends', 'Failed')).status).toMatchObject({ exitCode: 5 });
  await hob.untilPhase('late', 'Running');
  await hob.untilPhase('slow', 'Running');
  expect(hooksBegun(hob, 'slow')).toEqual(['postStart 1']);
  expect(callsOf(hob).at(-1)).toBe('slow postStart end');
  expect(keeperOf(hob)).toBe(keeper);
});
