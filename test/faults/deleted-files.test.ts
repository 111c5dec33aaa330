import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { everyHookOnce, hooksBegun, keeperOf, putShellPlugin, untilHookEnded } from '../support/faults.ts';
import { testHob, untilTrue } from '../support/hob.ts';
import { remainsOf } from '../support/remains.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const run = (...path: string[]): string => join(hob.dir, 'run', ...path);
const remove = (path: string): void => rmSync(path, { recursive: true, force: true });
const listens = ['/bin/sh', '-c', 'trap "exit 7" TERM; while true; do sleep 0.1; done'];

/** A container with a plugin that notes each hook. */
async function start(name: string): Promise<number> {
  putShellPlugin(hob, name, 31, '');
  hob.drop(name, { command: listens, restartPolicy: 'Never', plugins: [{ name }] });
  await untilHookEnded(hob, name, 'postStart');
  const { status } = await hob.untilPhase(name, 'Running');
  return status?.pid ?? 0;
}

/** It runs on as it was, ends with its own exit code, and leaves nothing. */
async function endsWell(name: string, pid: number): Promise<void> {
  expect((await hob.untilPhase(name, 'Running')).status).toMatchObject({ pid, restartCount: 0 });
  process.kill(pid, 'SIGTERM');
  expect((await hob.untilPhase(name, 'Failed')).status).toMatchObject({ exitCode: 7, restartCount: 0 });
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
  expect(hooksBegun(hob, name)).toEqual(everyHookOnce);
  expect(remainsOf(hob, name)).toEqual([]);
}

function removeSignals(name: string, end: string): void {
  const files = readdirSync(run('signals')).filter((file) => file.startsWith(`${name}.`) && file.endsWith(end));
  for (const file of files) remove(run('signals', file));
}

const losses: [string, string, (name: string) => void][] = [
  ['its bundle', 'bundle', (name) => remove(run('instances', name))],
  [
    'its FIFOs',
    'fifos',
    (name) => ['stdout', 'stderr', 'verdict'].forEach((fifo) => remove(run('instances', name, fifo))),
  ],
  ['its signal files', 'signals', (name) => removeSignals(name, '')],
  ['the file that names its init', 'init', (name) => removeSignals(name, '.pid')],
  ['the state that crun keeps of it', 'state', (name) => remove(run('crun', name))],
  ['all bundles', 'instances', () => remove(run('instances'))],
];

describe('a container goes on, ends with its exit code and leaves nothing, when somebody deletes', () => {
  it.each(losses)('%s, while hob runs', async (_, name, lose) => {
    const pid = await start(name);
    lose(name);
    await endsWell(name, pid);
  });

  it.each(losses)('%s, while hob is dead', async (_, name, lose) => {
    const dead = `${name}-dead`;
    const pid = await start(dead);
    await hob.kill();
    lose(dead);
    await hob.start();
    await endsWell(dead, pid);
  });
});

describe('when somebody deletes the whole run directory', () => {
  it('while hob is dead, what runs goes on and is there once', async () => {
    const pid = await start('all');
    const keeper = keeperOf(hob);
    await hob.kill();
    remove(run());
    await hob.start();
    await endsWell('all', pid);
    // It went on with the output, and would go by itself half a minute later.
    process.kill(keeper, 'SIGKILL');
  });

  it('while hob runs, what runs goes on and is there once, and hob can be asked again', async () => {
    const pid = await start('every');
    const keeper = keeperOf(hob);
    remove(run());
    await untilTrue('hob answers', () => hob.tryCli('get').code === 0);
    await endsWell('every', pid);
    expect(hob.get('all')).toBeUndefined();
    process.kill(keeper, 'SIGKILL');
  });

  it('while hob runs and cannot end in order, it starts over all the same', async () => {
    const pid = await start('stuck');
    const keeper = keeperOf(hob);
    const fifo = join(hob.dir, 'state/applied/hangs.json');
    execFileSync('mkfifo', [fifo]);
    // hob reads it, and will not come to its end for as long as this is open.
    await using _writer = await open(fifo, 'w');
    rmSync(fifo);
    remove(run());
    await untilTrue('hob gives it up', () => hob.output().includes('could not end in order (it takes more than 15 s)'));
    await untilTrue('hob answers', () => hob.tryCli('get').code === 0);
    await endsWell('stuck', pid);
    process.kill(keeper, 'SIGKILL');
  });
});
