import { statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { memoryLimitOf, never, testRuntime, type TestRuntime } from '../support/runtime.ts';
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

/** Since Linux 6.15. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const kernelTells = major > 6 || (major === 6 && minor >= 15);

const killed = { code: 137, signal: 'SIGKILL', oomKilled: false };

describe('an exit', () => {
  it.each([0, 1, 42, 127, 128, 255])('with code %i', async (code) => {
    const launch = test.launch(['sh', '-c', `exit ${code}`]);
    await test.start(launch);
    expect(await test.waitForExit(launch)).toMatchObject({
      code,
      oomKilled: false,
      finishedAt: expect.any(String) as string,
    });
  });

  it('with code 137 is not taken for a SIGKILL, where the kernel can tell', async () => {
    const launch = test.launch(['sh', '-c', 'sleep 1; exit 137']);
    await test.start(launch);
    const exit = await test.waitForExit(launch);
    expect(exit).toMatchObject({ code: 137, oomKilled: false });
    expect(exit.signal).toBe(kernelTells ? undefined : 'SIGKILL');
  });

  it('by a signal says which', async () => {
    const launch = test.launch(['sleep', '1000']);
    await test.start(launch);
    expect(await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL')).toBe(true);
    expect(await test.waitForExit(launch)).toMatchObject(killed);
    expect(await test.runtime.kill(launch.id, launch.instanceID, 'SIGKILL')).toBe(false);
  });

  it('by a signal that the command handles is its own', async () => {
    const launch = test.launch(['sh', '-c', 'trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done']);
    await test.start(launch);
    await until('it handles the signal', () => test.logOf(launch).includes('ready'));
    await test.runtime.kill(launch.id, launch.instanceID, 'SIGTERM');
    expect(await test.waitForExit(launch)).toMatchObject({ code: 7 });
  });

  it('for lack of memory is told from other kills', async () => {
    const hungry = 'sleep 0.1; a=x; while :; do a=$a$a; done';
    const launch = test.launch(['sh', '-c', hungry], { resources: { memory: { limit: 10 * 1024 * 1024 } } });
    await test.start(launch);
    expect(await test.waitForExit(launch)).toMatchObject({ ...killed, oomKilled: true });
  });

  it('is told when the output has reached the log, not before', async () => {
    const drained: string[] = [];
    const drainLog: typeof test.keeper.drainLog = async (key) => {
      await test.keeper.drainLog(key);
      await setTimeout(100);
      drained.push(key);
    };
    await test.reborn({ keeper: { ...test.keeper, drainLog } });
    const launch = test.launch(['true']);
    await test.start(launch);
    await test.waitForExit(launch);
    expect(drained).toEqual([`${launch.id}.${launch.instanceID}`]);
    await test.reborn();
  });

  it('is when it was, not when it was seen', async () => {
    const launch = test.launch(['true']);
    await test.start(launch);
    const { finishedAt } = await test.waitForExit(launch);
    const file = statSync(join(test.runDir, 'signals', `${launch.id}.${launch.instanceID}.shell`));
    expect(finishedAt).toBe(file.mtime.toISOString());
  });

  it('is the same for all who wait, and for those who come late', async () => {
    const launch = test.launch(['sh', '-c', 'exit 3']);
    await test.start(launch);
    const exits = await Promise.all([test.waitForExit(launch), test.waitForExit(launch)]);
    exits.push(await test.waitForExit(launch));
    expect(new Set(exits.map((exit) => JSON.stringify(exit))).size).toBe(1);
    expect(await test.runtime.observe(launch.id, launch.instanceID)).toEqual({ kind: 'exited', exit: exits[0] });
  });

  it('that nobody waits for any more rejects the waiting', async () => {
    const launch = test.launch(['sleep', '1000']);
    await test.start(launch);
    const abort = new AbortController();
    const waiting = test.runtime.waitForExit(launch.id, launch.instanceID, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('of what is not there is unknown, and said to be', async () => {
    expect(await test.runtime.waitForExit('nobody', 'at-all', never)).toMatchObject({
      unknown: expect.any(String) as string,
    });
    expect(await test.runtime.kill('nobody', 'at-all', 'SIGTERM')).toBe(false);
  });
});

describe('while it runs', () => {
  it('a container can be paused and resumed', async () => {
    const launch = test.launch(['sleep', '1000']);
    await test.start(launch);
    const paused = async () => test.runtime.observe(launch.id, launch.instanceID);
    await test.runtime.pause(launch.id);
    expect(await paused()).toMatchObject({ kind: 'running', paused: true });
    await test.runtime.pause(launch.id);
    await test.runtime.resume(launch.id);
    expect(await paused()).toMatchObject({ kind: 'running', paused: false });
  });

  it.each(['SIGKILL', 'SIGTERM'])('%s ends a paused one, too', async (signal) => {
    const launch = test.launch(['sh', '-c', 'trap "exit 143" TERM; echo ready; while :; do sleep 0.05; done']);
    await test.start(launch);
    await until('it handles the signal', () => test.logOf(launch).includes('ready'));
    await test.runtime.pause(launch.id);
    expect(await test.runtime.kill(launch.id, launch.instanceID, signal)).toBe(true);
    expect(await test.waitForExit(launch)).toMatchObject({ code: signal === 'SIGKILL' ? 137 : 143 });
  });

  it('its limits can be changed', async () => {
    const launch = test.launch(['sleep', '1000']);
    const { pid } = await test.start(launch);
    await test.runtime.update(launch.id, { memory: { limit: 64 * 1024 * 1024 } });
    expect(memoryLimitOf(pid)).toBe(64 * 1024 * 1024);
  });

  it('what crun refuses to change is said in its words, and the container runs on', async () => {
    const launch = test.launch(['sleep', '1000']);
    const { pid } = await test.start(launch);
    await expect(test.runtime.update(launch.id, { memory: { limit: -50 } })).rejects.toThrow(
      /memory\.(limit_in_bytes|max)/,
    );
    expect(isAlive(pid)).toBe(true);
  });

  it('pausing what is not there is refused', async () => {
    await expect(test.runtime.pause('nobody')).rejects.toThrow(/crun pause nobody failed/);
    await expect(test.runtime.pause('../up')).rejects.toThrow(/cannot be a container's id/);
  });
});

describe('discarding', () => {
  it.each(['running', 'paused', 'waiting for preStart', 'exited'])(
    'leaves nothing of an instance that is %s',
    async (state) => {
      const command = state === 'exited' ? ['true'] : ['sleep', '1000'];
      const launch = test.launch(command, { waitForPreStart: state === 'waiting for preStart' });
      const created = Promise.withResolvers<void>();
      const outcome = test.runtime.start(launch, () => created.resolve(), never);
      await Promise.race([created.promise, outcome]);
      if (state === 'paused') await test.runtime.pause(launch.id);
      if (state === 'exited') await test.waitForExit(launch);
      await test.discard(launch);
      await test.nothingRemains();
      expect(await test.runtime.list()).toEqual([]);
      await test.discard(launch);
      expect((await outcome).kind).toBe(state === 'waiting for preStart' ? 'failed' : 'running');
    },
  );

  it('starts no process after an orderly end', async () => {
    const launch = test.launch(['true']);
    await test.start(launch);
    await test.waitForExit(launch);
    await test.reborn({ crunPath: 'no-such-crun' });
    await test.discard(launch);
    await test.nothingRemains();
    await test.reborn();
  });

  it('tells those who wait for the exit', async () => {
    const launch = test.launch(['sleep', '1000']);
    await test.start(launch);
    const exit = test.waitForExit(launch);
    await test.discard(launch);
    expect(await exit).toMatchObject({ oomKilled: false });
  });

  it('reaches what crun holds and whose files are gone, which is found again', async () => {
    const launch = test.launch(['sleep', '1000']);
    const { pid } = await test.start(launch);
    test.forget(launch);
    await test.reborn();
    expect(await test.runtime.list()).toEqual([{ id: launch.id, instanceID: '' }]);
    expect(await test.runtime.observe(launch.id, launch.instanceID)).toMatchObject({ kind: 'running', pid });
    await test.runtime.discard(launch.id, '');
    expect(await test.runtime.list()).toEqual([]);
    await until('its process is gone', () => !isAlive(pid));
    await test.nothingRemains();
  });
});
