import { chmodSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isLiving } from '../../src/runtime/instance/init.ts';
import type { Launch, StartOutcome } from '../../src/runtime/runtime.ts';
import { never, testRuntime, type LaunchChange, type TestRuntime } from '../support/runtime.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let test: TestRuntime;
beforeAll(async () => {
  test = await testRuntime();
});
afterEach(async () => {
  for (const { id } of await test.runtime.list()) await test.runtime.discard(id, '');
  await test.nothingRemains();
});
afterAll(() => test.dispose());

/** Start, and answer what the preStart hooks would have. */
function startWith(verdict: boolean, launch: Launch): Promise<StartOutcome> {
  const { id, instanceID } = launch;
  return test.runtime.start(launch, () => void test.runtime.answerPreStart(id, instanceID, verdict), never);
}

const given = (fd: number): Launch['fds'][number] => ({ fd, hold: false });

const outcomeOf = (args: readonly string[], change?: LaunchChange) =>
  test.runtime.start(test.launch(args, change), () => undefined, never);

describe('a start', () => {
  it('answers the process that runs the command, and when it began', async () => {
    const before = Date.now();
    const launch = test.launch(['sleep', '1000']);
    const { pid, startTime, startedAt } = await test.start(launch);
    expect(isLiving({ pid, startTime })).toBe(true);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBe('sleep\x001000\0');
    expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(before - 1);
    expect(await test.runtime.observe(launch.id, launch.instanceID)).toEqual({
      kind: 'running',
      pid,
      startTime,
      paused: false,
    });
  });

  it('carries the output to the log, all of it, before the exit is told', async () => {
    const launch = test.launch([
      'sh',
      '-c',
      'i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo last >&2',
    ]);
    await test.start(launch);
    await test.waitForExit(launch);
    const lines = test.logOf(launch);
    expect(lines.filter((line) => line.startsWith('line'))).toEqual(
      Array.from({ length: 2000 }, (_, i) => `line ${i}`),
    );
    expect(lines).toContain('last');
  });

  it('gives the command an output that it can open again, whoever it runs as', async () => {
    const launch = test.launch(['sh', '-c', 'echo out >/dev/stdout; echo err >/dev/stderr'], {
      process: { user: { uid: 1000, gid: 1000 } },
    });
    await test.start(launch);
    expect(await test.waitForExit(launch)).toMatchObject({ code: 0 });
    expect(test.logOf(launch).toSorted()).toEqual(['err', 'out']);
  });

  it('of what is over before anybody can look is no failure', async () => {
    for (const code of [0, 1, 126, 127]) {
      const launch = test.launch(['sh', '-c', `exit ${code}`]);
      expect(await test.start(launch)).toMatchObject({ kind: 'running' });
      expect(await test.waitForExit(launch)).toMatchObject({ code });
    }
  });

  it('that is asked for again finds what is there', async () => {
    const launch = test.launch(['sleep', '1000']);
    const [first, second] = await Promise.all([test.start(launch), test.start(launch)]);
    expect(second).toEqual(first);
    expect(await test.start(launch)).toEqual(first);
  });

  it('of a new instance removes what is left of the one before', async () => {
    const before = test.launch(['sleep', '1000']);
    const { pid } = await test.start(before);
    const next = { ...test.launch(['sleep', '1001']), id: before.id };
    await test.start(next);
    expect(isAlive(pid)).toBe(false);
    expect(await test.runtime.observe(before.id, before.instanceID)).toEqual({ kind: 'absent' });
    await test.runtime.discard(before.id, before.instanceID);
    expect(await test.runtime.observe(next.id, next.instanceID)).toMatchObject({ kind: 'running' });
  });

  it('of fifty at once brings all of them up', async () => {
    const launches = Array.from({ length: 50 }, () => test.launch(['sleep', '1000']));
    const pids = await Promise.all(launches.map(async (launch) => (await test.start(launch)).pid));
    expect(new Set(pids).size).toBe(50);
    expect(pids.every(isAlive)).toBe(true);
    await Promise.all(launches.map((launch) => test.discard(launch)));
    expect(pids.some(isAlive)).toBe(false);
  });

  it('that is no longer wanted while it waits for its turn begins nothing', async () => {
    await test.reborn({ maxStarts: 0 });
    const abort = new AbortController();
    const started = test.runtime.start(test.launch(['true']), () => undefined, abort.signal);
    abort.abort(new Error('not any more'));
    await expect(started).rejects.toThrow('not any more');
    await test.nothingRemains();
    await test.reborn();
  });
});

describe('descriptors', () => {
  it('become 3, 4, ... in the container, and are closed here', async () => {
    const files = ['one', 'two'].map((text) => {
      writeFileSync(join(test.dir, text), `${text}\n`);
      return openSync(join(test.dir, text), 'r');
    });
    const launch = test.launch(['sh', '-c', 'cat <&3; cat <&4; [ -e /proc/self/fd/5 ] && echo more'], {
      fds: files.map(given),
    });
    await test.start(launch);
    await test.waitForExit(launch);
    expect(test.logOf(launch)).toEqual(['one', 'two']);
    for (const fd of files) expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
  });

  it('are closed here also when the start fails', async () => {
    const fd = openSync('/dev/null', 'r');
    expect(await outcomeOf(['/nope'], { fds: [given(fd)] })).toMatchObject({ reason: 'StartError' });
    expect(existsSync(`/proc/self/fd/${fd}`)).toBe(false);
  });
});

describe('a terminal', () => {
  it('is there for the container, without anybody at the other end', async () => {
    const script = 'trap "exit 4" TERM; tty; while true; do sleep 0.1; done';
    const launch = test.launch(['sh', '-c', script], { process: { terminal: true } });
    const { pid } = await test.start(launch);
    await expect.poll(() => test.terminalOf(launch)).toEqual(['/dev/pts/0']);
    process.kill(pid, 'SIGTERM');
    expect(await test.waitForExit(launch)).toMatchObject({ code: 4 });
  });

  it('goes together with descriptors', async () => {
    const launch = test.launch(['sh', '-c', 'cat <&3; [ -e /proc/self/fd/4 ] && echo more; tty; sleep 1000'], {
      process: { terminal: true },
      fds: [given(openSync('/proc/sys/kernel/ostype', 'r'))],
    });
    await test.start(launch);
    await expect.poll(() => test.terminalOf(launch)).toEqual(['Linux', '/dev/pts/0']);
  });
});

describe('preStart', () => {
  it('comes when namespaces and mounts exist and the command does not run', async () => {
    const launch = test.launch(['sleep', '1000'], { waitForPreStart: true });
    let created = 0;
    const running = await test.runtime.start(
      launch,
      (pid) => {
        created = pid;
        expect(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).toContain(`${test.rootfs}/proc`);
        expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('sleep\0');
        void test.runtime.answerPreStart(launch.id, launch.instanceID, true);
      },
      never,
    );
    expect(running).toMatchObject({ kind: 'running', pid: created });
  });

  it('refused ends the init before it runs anything', async () => {
    const launch = test.launch(['sh', '-c', 'echo ran'], { waitForPreStart: true });
    const outcome = await startWith(false, launch);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'PreStartRefused', initExisted: true });
    expect(test.logOf(launch)).not.toContain('ran');
  });

  it('is answered by another hob when the one that was asked has died', async () => {
    for (const verdict of [true, false]) {
      const launch = test.launch(['sleep', '1000'], { waitForPreStart: true });
      const abort = new AbortController();
      await expect(test.runtime.start(launch, () => abort.abort(), abort.signal)).rejects.toThrow();
      await test.reborn();
      expect(await test.runtime.observe(launch.id, launch.instanceID)).toEqual({ kind: 'starting' });
      expect((await startWith(verdict, launch)).kind).toBe(verdict ? 'running' : 'failed');
    }
  });

  it('answered while no hook waits does no harm', async () => {
    const launch = test.launch(['sleep', '1000'], { waitForPreStart: true });
    await startWith(true, launch);
    await test.runtime.answerPreStart(launch.id, launch.instanceID, false);
    await test.runtime.answerPreStart('nobody', 'at-all', true);
    expect(await test.runtime.observe(launch.id, launch.instanceID)).toMatchObject({ kind: 'running' });
  });

  it('that takes its time keeps nobody else waiting, and has no time limit', async () => {
    await test.reborn({ maxStarts: 1, startTimeoutMs: 2000 });
    const slow = test.launch(['sleep', '1000'], { waitForPreStart: true });
    const asked = Promise.withResolvers<void>();
    const outcome = test.runtime.start(slow, () => asked.resolve(), never);
    await asked.promise;
    for (let i = 0; i < 3; i += 1) await test.start(test.launch(['sleep', '1000']));
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await test.runtime.answerPreStart(slow.id, slow.instanceID, true);
    expect((await outcome).kind).toBe('running');
    await test.reborn();
  });
});

describe('a command that cannot be executed', () => {
  beforeAll(() => {
    const file = (name: string, text: string, mode: number): void => {
      writeFileSync(join(test.rootfs, name), text);
      chmodSync(join(test.rootfs, name), mode);
    };
    file('noexec', 'x', 0o644);
    file('garbage', 'hello', 0o755);
    file('interpreter', '#!/not/there\n', 0o755);
    mkdirSync(join(test.rootfs, 'directory'));
  });

  it.each([
    ['/nope', 'executable file `/nope` not found'],
    ['nope', 'executable file `nope` not found'],
    ['/noexec', 'cannot execute "/noexec": open executable: Permission denied'],
    ['/directory', 'cannot execute "/directory": open executable: Operation not permitted'],
    ['/garbage', 'exec container process `/garbage`: Exec format error'],
    ['/interpreter', 'exec container process (missing dynamic library?) `/interpreter`: No such file or directory'],
  ])('%s: %s', async (command, message) => {
    const outcome = await outcomeOf([command]);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'StartError', initExisted: true });
    expect(outcome).toHaveProperty('message', expect.stringContaining(message));
  });
});

describe('a container that crun cannot make', () => {
  it.each<[string, LaunchChange, RegExp]>([
    ['no rootfs', { config: { root: { path: '/not/there' } } }, /\/not\/there/],
    [
      'no mount source',
      { mounts: [{ destination: '/x', source: '/not/there', type: 'bind', options: ['bind'] }] },
      /\/not\/there/,
    ],
    ['a bad limit', { resources: { memory: { limit: -5 } } }, /memory.limit_in_bytes|memory.max/],
    ['a bad rlimit', { process: { rlimits: [{ type: 'RLIMIT_FOO', hard: 1, soft: 1 }] } }, /RLIMIT_FOO/],
    ['no configuration to speak of', { config: { linux: 'x', process: 7, root: null } }, /./],
  ])('%s: CreateError in the words of crun', async (_what, change, words) => {
    const outcome = await outcomeOf(['true'], change);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: false });
    expect(outcome).toHaveProperty('message', expect.stringMatching(words));
  });

  it('after preStart: there was an init', async () => {
    const launch = test.launch(['/nope'], { waitForPreStart: true });
    expect(await startWith(true, launch)).toMatchObject({ reason: 'StartError', initExisted: true });
  });

  it.each(['../up', '', 'x'.repeat(250)])('because its id is %j', async (id) => {
    const outcome = await test.runtime.start({ ...test.launch(['true']), id }, () => undefined, never);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError' });
  });
});

describe('crun itself', () => {
  it('missing: the cure is named, and nothing is made', async () => {
    await test.reborn({ crunPath: 'no-such-crun' });
    const outcome = await outcomeOf(['true']);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: false });
    expect(outcome).toHaveProperty('message', expect.stringContaining('crun is not installed'));
    await test.nothingRemains();
    await test.reborn();
  });

  it('that hangs is ended with all that it started', async () => {
    const crun = join(test.dir, 'hanging-crun');
    writeFileSync(crun, `#!/bin/sh\n(exec sleep 1000 ${test.dir})\nsleep 1000\n`, { mode: 0o755 });
    await test.reborn({ crunPath: crun, startTimeoutMs: 300 });
    const outcome = await outcomeOf(['true']);
    expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: false });
    expect(outcome).toHaveProperty('message', expect.stringContaining('within 0.3 s'));
    await test.reborn();
    await until('all that crun started is gone', () => !test.remains().some((what) => what.includes('sleep')));
  });
});
