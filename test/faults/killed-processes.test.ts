import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callsOf, eventsOf, keeperOf, putShellPlugin, untilCalled, untilHears } from '../support/faults.ts';
import { isAlive, parentOf } from '../support/processes.ts';
import { testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

/** Says what it is told by signals: USR1 is answered on stdout, TERM ends it with 7. */
const listens = ['/bin/sh', '-c', 'trap "echo heard" USR1; trap "exit 7" TERM; while true; do sleep 0.1; done'];

async function start(name: string): Promise<number> {
  hob.drop(name, { command: listens, restartPolicy: 'Never' });
  const { status } = await hob.untilPhase(name, 'Running');
  await untilHears(status?.pid ?? 0);
  return status?.pid ?? 0;
}

async function untilHeard(name: string, pid: number): Promise<void> {
  process.kill(pid, 'SIGUSR1');
  await untilTrue(`the log of ${name} has what it says`, () => hob.cli('logs', name).includes('heard'));
}

describe('a container goes on, and its exit code is known, when somebody kills', () => {
  const victims: [string, string, (pid: number) => void][] = [
    ['its shell', 'no-shell', (pid) => process.kill(parentOf(parentOf(pid)), 'SIGKILL')],
    ['its crun', 'no-crun', (pid) => process.kill(parentOf(pid), 'SIGKILL')],
    [
      'both',
      'neither',
      (pid) => {
        const crun = parentOf(pid);
        const shell = parentOf(crun);
        for (const victim of [shell, crun]) process.kill(victim, 'SIGKILL');
      },
    ],
    ['its bundle', 'no-bundle', () => rmSync(join(hob.dir, 'run/instances/no-bundle'), { recursive: true })],
  ];
  it.each(victims)('%s', async (_, name, kill) => {
    const pid = await start(name);
    kill(pid);
    if (name !== 'no-bundle') await untilHeard(name, pid);
    expect(hob.get(name)?.status).toMatchObject({ phase: 'Running', pid });
    process.kill(pid, 'SIGTERM');
    const { status } = await hob.untilPhase(name, 'Failed');
    expect(status).toMatchObject({ exitCode: 7, oomKilled: false });
    hob.remove(name);
    await hob.until(name, 'is gone', (one) => one === undefined);
  });
});

describe('a container that somebody ends from outside', () => {
  it('with SIGKILL is started again', async () => {
    hob.drop('shot', { command: listens });
    const { status } = await hob.untilPhase('shot', 'Running');
    process.kill(status?.pid ?? 0, 'SIGKILL');
    const again = await hob.until('shot', 'runs again', (one) => one?.status?.restartCount === 1);
    expect(again?.status?.lastTermination).toMatchObject({ signal: 'SIGKILL', oomKilled: false });
    hob.remove('shot');
  });

  it('with `crun delete -f` is started again', async () => {
    hob.drop('deleted', { command: listens });
    await hob.untilPhase('deleted', 'Running');
    // Its exit code says little: its own crun parent deletes the container at the same time.
    spawnSync('crun', ['--root', join(hob.dir, 'run/crun'), 'delete', '-f', 'deleted'], { stdio: 'ignore' });
    await hob.until(
      'deleted',
      'runs again',
      (one) => one?.status?.restartCount === 1 && one.status.phase === 'Running',
    );
    hob.remove('deleted');
  });
});

async function killKeeper(): Promise<void> {
  const keeper = keeperOf(hob);
  process.kill(keeper, 'SIGKILL');
  await untilTrue('there is another keeper', () => keeperOf(hob) !== keeper && isAlive(keeperOf(hob)));
}

describe('the keeper', () => {
  it('can be killed again and again while containers start and print: each starts once, no line is lost', async () => {
    const names = ['k1', 'k2', 'k3', 'k4', 'k5'];
    const script =
      'echo $$ >>/runs; i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; sleep 0.01; done; trap "exit 0" TERM; while true; do sleep 0.1; done';
    for (const [index, name] of names.entries()) {
      hob.drop(name, { command: ['/bin/sh', '-c', script] });
      // No more than two for any start: it is given up, for a later try, when a third one dies over it.
      if (index % 3 === 0) await killKeeper();
    }
    for (const name of names) await hob.untilPhase(name, 'Running');
    const expected = Array.from({ length: 100 }, (_, i) => String(i + 1));
    for (const name of names) {
      await untilTrue(`${name} has said all`, () => hob.cli('logs', name).endsWith('100\n'));
      expect(hob.cli('logs', name).split('\n').filter(Boolean)).toEqual(expected);
      const { status } = hob.get(name) ?? {};
      expect(status).toMatchObject({ phase: 'Running', restartCount: 0 });
      expect(readFileSync(`/proc/${status?.pid}/root/runs`, 'utf8')).toBe('1\n');
    }
    names.forEach(hob.remove);
  });

  it('can be killed while a hook runs: that process is ended, and the hook is called again, told so', async () => {
    const pidFile = join(hob.dir, 'hook.pid');
    putShellPlugin(
      hob,
      'unlucky',
      4,
      `postStart) case $call in *'"attempt":1'*) echo $$ >${pidFile}; sleep 1000 & wait;; esac;;`,
    );
    hob.drop('unlucky', { command: listens, plugins: [{ name: 'unlucky' }] });
    await untilCalled(hob, 'unlucky postStart begin 1');
    await untilTrue('it runs', () => readFileSync(pidFile, { flag: 'a+' }).length > 0);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await killKeeper();
    await untilCalled(hob, 'unlucky postStart end');
    expect(isAlive(pid)).toBe(false);
    expect(callsOf(hob)).toEqual(['unlucky postStart begin 1', 'unlucky postStart begin 2', 'unlucky postStart end']);
    const { status } = await hob.untilPhase('unlucky', 'Running');
    expect(status).toMatchObject({ restartCount: 0 });
    expect(eventsOf(hob).map(({ reason }) => reason)).not.toContain('KeeperLost');
    hob.remove('unlucky');
  });
});

it('a container that goes leaves no mount behind', async () => {
  const mounts = (): string => readFileSync(`/proc/${hob.pid}/mountinfo`, 'utf8');
  await start('mounted');
  expect(mounts()).toContain(`${hob.dir}/state/overlays/mounted/`);
  hob.remove('mounted');
  await hob.until('mounted', 'is gone', (one) => one === undefined);
  expect(mounts()).not.toContain('overlays/mounted/');
});

it('and `hob down` leaves no process and no bundle behind', async () => {
  hob.drop('last', { command: listens });
  const { status } = await hob.untilPhase('last', 'Running');
  const keeper = keeperOf(hob);
  hob.cli('down');
  for (const pid of [hob.pid, keeper, status?.pid ?? 0])
    await untilTrue(`process ${pid} has ended`, () => !isAlive(pid));
  const left = execFileSync('find', [join(hob.dir, 'run/crun'), join(hob.dir, 'run/instances'), '-mindepth', '1']);
  expect(left.toString()).toBe('');
  expect(execFileSync('find', [join(hob.dir, 'state/overlays'), '-mindepth', '1']).toString()).toBe('');
});
