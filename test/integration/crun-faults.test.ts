import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mount, unmount } from '../../src/host/libc.ts';
import { instancePaths } from '../../src/runtime/instance/paths.ts';
import type { Launch } from '../../src/runtime/runtime.ts';
import { startCommand } from '../../src/runtime/instance/start-command.ts';
import { never, testRuntime, type TestRuntime } from '../support/runtime.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let test: TestRuntime;
beforeAll(async () => {
  test = await testRuntime();
});
afterEach(async () => {
  await test.reborn();
  for (const { id } of await test.runtime.list()) await test.runtime.discard(id, '');
  await test.nothingRemains();
});
afterAll(() => test.dispose());

const observe = ({ id, instanceID }: Launch) => test.runtime.observe(id, instanceID);
const kill = (pid: number): boolean => process.kill(pid, 'SIGKILL');

describe('when crun is killed', () => {
  it('the container lives on, and its end is seen all the same', async () => {
    const launch = test.launch(['sleep', '1000']);
    const { pid } = await test.start(launch);
    kill(test.crunPid(launch));
    await until('the shell has said so', () => readFileSync(shellFile(launch), 'utf8').endsWith('\n137\n'));
    expect(await observe(launch)).toMatchObject({ kind: 'running', pid });
    const exit = test.waitForExit(launch);
    await test.runtime.kill(launch.id, launch.instanceID, 'SIGTERM');
    expect(isAlive(pid)).toBe(true);
    await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL');
    const { finishedAt, code } = await exit;
    expect([undefined, 137]).toContain(code);
    expect(Date.parse(finishedAt)).toBeGreaterThanOrEqual(statSync(shellFile(launch)).mtimeMs);
  });

  it('what it exits with itself is never taken for the exit code of the container', async () => {
    const launch = test.launch(['sh', '-c', 'sleep 1; exit 5']);
    const { pid } = await test.start(launch);
    const crun = test.crunPid(launch);
    test.runtime.close();
    kill(crun);
    await until('the container has ended', () => !isAlive(pid));
    await test.reborn();
    const seen = await observe(launch);
    expect(seen.kind).toBe('exited');
    if (seen.kind !== 'exited') return;
    // Who reaped it, and whether somebody did yet, is not hob's to decide: either the kernel tells, or nobody.
    expect(seen.exit.code === 5 || seen.exit.unknown?.includes('crun')).toBe(true);
  });

  it.each(['crun', 'all of them'])(
    'while it waits for preStart (%s), the start has failed, and an init existed',
    async (which) => {
      const launch = test.launch(['sleep', '1000'], { waitForPreStart: true });
      const killThem = (): boolean => (which === 'crun' ? kill(test.crunPid(launch)) : kill(-test.shellPid(launch)));
      const outcome = await test.runtime.start(launch, killThem, never);
      expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: true });
    },
  );
});

describe('when the shell around crun is killed', () => {
  it('the container lives on, and the kernel may still tell the exit code', async () => {
    const launch = test.launch(['sh', '-c', 'sleep 1; exit 5']);
    await test.start(launch);
    kill(test.shellPid(launch));
    expect(await observe(launch)).toMatchObject({ kind: 'running' });
    const { code, unknown } = await test.waitForExit(launch);
    expect(code === 5 || unknown?.includes('killed')).toBe(true);
  });

  it('together with crun, nobody can say so, and still the end is seen', async () => {
    await test.reborn({ checkUpEveryMs: 50, keeper: { ...test.keeper, onLogEnded: () => () => undefined } });
    const launch = test.launch(['sh', '-c', 'sleep 1; exit 5']);
    await test.start(launch);
    const crun = test.crunPid(launch);
    kill(test.shellPid(launch));
    kill(crun);
    const { code, unknown } = await test.waitForExit(launch);
    expect(code === 5 || unknown?.includes('killed')).toBe(true);
  });
});

describe('when hob dies', () => {
  it('and comes back, a container that runs is found as it is', async () => {
    const launch = test.launch(['sh', '-c', 'while :; do sleep 0.05; done']);
    const running = await test.start(launch);
    await test.reborn();
    expect(await observe(launch)).toMatchObject({ kind: 'running', pid: running.pid, startTime: running.startTime });
    expect(await test.start(launch)).toEqual(running);
    const exit = test.waitForExit(launch);
    await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL');
    expect(await exit).toMatchObject({ code: 137, signal: 'SIGKILL' });
  });

  it('the exit code of what ended meanwhile, and its output, are found', async () => {
    const launch = test.launch(['sh', '-c', 'sleep 0.2; echo last words; exit 6']);
    const { pid } = await test.start(launch);
    test.runtime.close();
    await until('the container has ended', () => !isAlive(pid));
    await until('its exit is written', () => readFileSync(shellFile(launch), 'utf8').endsWith('\n6\n'));
    await test.reborn();
    expect(await test.start(launch)).toMatchObject({ kind: 'running', pid });
    expect(await test.waitForExit(launch)).toMatchObject({ code: 6 });
    expect(test.logOf(launch)).toEqual(['last words']);
  });

  it('before it asked for the shell, the start is gone on with', async () => {
    await test.reborn({ keeper: { ...test.keeper, start: () => new Promise(() => undefined) } });
    const launch = test.launch(['sleep', '1000']);
    void test.runtime.start(launch, () => undefined, never);
    await until('the bundle is written', () => existsSync(join(test.runDir, 'instances', launch.id, 'instance.json')));
    await test.reborn();
    expect(await observe(launch)).toEqual({ kind: 'absent' });
    expect((await test.start(launch)).kind).toBe('running');
  });

  it.each(['', '{"instanceID":"te'])(
    'in the middle of writing the bundle (record: %j), it is written anew',
    async (record) => {
      const launch = test.launch(['sleep', '1000']);
      mkdirSync(join(test.runDir, 'instances', launch.id));
      writeFileSync(join(test.runDir, 'instances', launch.id, 'instance.json'), record);
      await test.reborn();
      expect(await test.runtime.list()).toEqual([{ id: launch.id, instanceID: '' }]);
      expect((await test.start(launch)).kind).toBe('running');
    },
  );

  it('a pid that has gone to another process is not taken for the container', async () => {
    const launch = test.launch(['sh', '-c', 'exit 3']);
    await test.start(launch);
    await test.waitForExit(launch);
    writeFileSync(join(test.runDir, 'signals', `${launch.id}.${launch.instanceID}.pid`), String(process.pid));
    await test.reborn();
    expect(await observe(launch)).toMatchObject({ kind: 'exited', exit: { code: 3 } });
    expect(await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL')).toBe(false);
  });

  it('files of instances that nobody knows are swept up', async () => {
    writeFileSync(join(test.runDir, 'signals', 'old.gone-1.shell'), '1\n0\n');
    await test.reborn();
    await test.nothingRemains();
  });
});

describe('when the keeper dies', () => {
  it('before a start, the next one starts it', async () => {
    kill(test.keeper.pid);
    const launch = test.launch(['sh', '-c', 'echo here']);
    await test.start(launch);
    await test.waitForExit(launch);
    expect(test.logOf(launch)).toEqual(['here']);
  });

  it('and nobody knows whether it has started the shell, there is one container, not two', async () => {
    let asked = 0;
    const lost = Object.assign(new Error('the keeper is gone'), { code: 'KEEPER_LOST' });
    const start: typeof test.keeper.start = async (request) => {
      const answer = await test.keeper.start(request);
      asked += 1;
      if (asked === 1) throw lost;
      return answer;
    };
    await test.reborn({ keeper: { ...test.keeper, start } });
    const launch = test.launch(['sh', '-c', 'echo once; sleep 1000']);
    await test.start(launch);
    await until('it has spoken', () => test.logOf(launch).length > 0);
    expect([asked, test.logOf(launch)]).toEqual([2, ['once']]);
    await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL');
    await test.waitForExit(launch);
    expect(readFileSync(shellFile(launch), 'utf8'), 'by one shell alone').toMatch(/^\d+\n137\n$/);
  });

  it('while crun waits for preStart, the container starts all the same', async () => {
    const launch = test.launch(['sh', '-c', 'echo here'], { waitForPreStart: true });
    const { id, instanceID } = launch;
    const outcome = await test.runtime.start(
      launch,
      () => {
        kill(test.keeper.pid);
        void test.runtime.answerPreStart(id, instanceID, true);
      },
      never,
    );
    expect(outcome.kind).toBe('running');
    expect(await test.waitForExit(launch)).toMatchObject({ code: 0 });
    expect(test.logOf(launch)).toEqual(['here']);
  });

  it('while the container runs, not a line and not the exit code is lost', async () => {
    const launch = test.launch([
      'sh',
      '-c',
      'i=0; while [ $i -lt 30 ]; do echo $i; i=$((i+1)); sleep 0.02; done; exit 9',
    ]);
    await test.start(launch);
    await until('it speaks', () => test.logOf(launch).length > 3);
    kill(test.keeper.pid);
    expect(await test.waitForExit(launch)).toMatchObject({ code: 9 });
    expect(test.logOf(launch)).toEqual(Array.from({ length: 30 }, (_, i) => String(i)));
  });

  it('together with hob, the next two carry on', async () => {
    const launch = test.launch(['sh', '-c', 'sleep 0.3; echo late; exit 8']);
    const { pid } = await test.start(launch);
    test.runtime.close();
    kill(test.keeper.pid);
    await until('the container has ended', () => !isAlive(pid));
    await test.reborn();
    expect(await test.waitForExit(launch)).toMatchObject({ code: 8 });
    expect(test.logOf(launch)).toEqual(['late']);
  });
});

describe('when the run directory is full', () => {
  it('a start fails with the cure, and leaves nothing behind', async () => {
    const instances = join(test.runDir, 'instances');
    mount({ source: 'tmpfs', target: instances, type: 'tmpfs', data: 'size=8k' });
    try {
      writeFileSync(join(instances, 'filler'), Buffer.alloc(8192));
      const outcome = await test.runtime.start(test.launch(['true']), () => undefined, never);
      expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: false });
      expect(outcome).toHaveProperty(
        'message',
        expect.stringMatching(/cannot write the bundle: .*ENOSPC.*free some space/),
      );
      rmSync(join(instances, 'filler'));
      await test.nothingRemains();
    } finally {
      unmount(instances, { detach: true });
    }
  });

  it('and the shell cannot say a word, the start fails and tells why', async () => {
    const signals = join(test.runDir, 'signals');
    mount({ source: 'tmpfs', target: signals, type: 'tmpfs', data: 'size=4k' });
    try {
      writeFileSync(join(signals, 'filler'), Buffer.alloc(4096));
      const outcome = await test.runtime.start(test.launch(['true']), () => undefined, never);
      expect(outcome).toMatchObject({ kind: 'failed', reason: 'CreateError', initExisted: false });
      expect(outcome).toHaveProperty('message', expect.stringMatching(/cannot write to .*signals; is that full/));
    } finally {
      unmount(signals, { detach: true });
    }
  });

  it('an exit code still finds its place', () => {
    const dir = mkdtempSync(join(tmpdir(), 'hob-full-'));
    mount({ source: 'tmpfs', target: dir, type: 'tmpfs', data: 'size=16k' });
    try {
      const filler = join(dir, 'filler');
      mkdirSync(join(dir, 'signals'));
      const fakeCrun = join(dir, 'crun');
      writeFileSync(fakeCrun, `#!/bin/sh\ncat /dev/zero >${filler} 2>/dev/null\nexit 42\n`, { mode: 0o755 });
      const paths = instancePaths(dir, 'web', 'i-1');
      const [program = '', ...args] = startCommand(fakeCrun, dir, 'web', paths);
      execFileSync(program, args);
      expect(() => writeFileSync(join(dir, 'more'), 'x')).toThrow('ENOSPC');
      const said = readFileSync(paths.signals.shell, 'utf8');
      expect(said).toMatch(/^\d+\n42\n$/);
      truncateSync(filler);
      execFileSync(program, args);
      expect(readFileSync(paths.signals.shell, 'utf8'), 'a second shell does nothing').toBe(said);
    } finally {
      unmount(dir, { detach: true });
      rmSync(dir, { recursive: true });
    }
  });
});

function shellFile({ id, instanceID }: Launch): string {
  return join(test.runDir, 'signals', `${id}.${instanceID}.shell`);
}
