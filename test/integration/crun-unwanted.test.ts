import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { never, testRuntime, type TestRuntime } from '../support/runtime.ts';
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

const noLimit = 600_000;
const givenUp = { kind: 'failed', reason: 'NoLongerWanted' };

/** A crun that says that it is there, and then nothing. */
async function withHangingCrun(maxStarts: number): Promise<() => boolean> {
  const [crun, hangs] = [join(test.dir, 'hanging-crun'), join(test.dir, 'hangs')];
  rmSync(hangs, { force: true });
  writeFileSync(crun, `#!/bin/sh\ntouch ${hangs}\n(exec sleep 1000 ${test.dir})\nsleep 1000\n`, { mode: 0o755 });
  await test.reborn({ crunPath: crun, startTimeoutMs: noLimit, maxStarts });
  return () => existsSync(hangs);
}

describe('a start that is no longer wanted', () => {
  it('is given up when crun hangs, with all that crun started', async () => {
    const hangs = await withHangingCrun(2);
    const unwanted = new AbortController();
    const outcome = test.runtime.start(test.launch(['true']), () => undefined, never, unwanted.signal);
    await until('crun hangs', hangs);
    unwanted.abort();
    expect(await outcome).toMatchObject({ ...givenUp, initExisted: false });
    await until('all that crun started is gone', () => !test.remains().some((what) => what.includes('sleep')));
  });

  it('is given up while it waits for its turn', async () => {
    const hangs = await withHangingCrun(1);
    const first = new AbortController();
    const hanging = test.runtime.start(test.launch(['true']), () => undefined, never, first.signal);
    await until('crun hangs', hangs);
    const second = new AbortController();
    const waiting = test.runtime.start(test.launch(['true']), () => undefined, never, second.signal);
    second.abort();
    expect(await waiting).toMatchObject({ ...givenUp, initExisted: false });
    first.abort();
    expect(await hanging).toMatchObject(givenUp);
  });

  it('and was given up by an earlier hob is ended by the next', async () => {
    const hangs = await withHangingCrun(2);
    const launch = test.launch(['true']);
    const death = new AbortController();
    const before = test.runtime.start(launch, () => undefined, death.signal).catch(() => undefined);
    await until('crun hangs', hangs);
    death.abort();
    await before;
    await test.reborn({ startTimeoutMs: noLimit });
    const begun = { ...launch, command: 'true' };
    expect(await test.runtime.goOn(begun, () => undefined, never, AbortSignal.abort())).toMatchObject(givenUp);
  });

  it('is not begun at all when that is known before', async () => {
    const outcome = await test.runtime.start(test.launch(['true']), () => undefined, never, AbortSignal.abort());
    expect(outcome).toMatchObject({ ...givenUp, initExisted: false });
    await test.nothingRemains();
  });

  it('and succeeds all the same is a container that runs, to be ended in order', async () => {
    const launch = test.launch(['sleep', '1000']);
    const unwanted = new AbortController();
    const outcome = test.runtime.start(launch, () => undefined, never, unwanted.signal);
    const shell = join(test.runDir, 'signals', `${launch.id}.${launch.instanceID}.shell`);
    await until('its start is under way', () => existsSync(shell));
    unwanted.abort();
    expect(await outcome).toMatchObject({ kind: 'running' });
    expect(await test.runtime.observe(launch.id, launch.instanceID)).toMatchObject({ kind: 'running' });
  });
});
