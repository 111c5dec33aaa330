/** Executables as hob has them: run by a real keeper, which this process asks in hob's place. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunProcess } from '../../src/hooks/run-process.ts';
import { connectKeeper, type Keeper } from '../../src/runtime/keeper-client.ts';
import { isAlive } from '../support/processes.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let runDir: string;
let keeper: Keeper;
const run: RunProcess = (request, signal) => keeper.run(request, signal);
let bench: PluginBench;

beforeAll(async () => {
  runDir = mkdtempSync(join(tmpdir(), 'hob-keeper-'));
  keeper = await connectKeeper({ runDir, log: quiet });
});

beforeEach(() => {
  bench = pluginBench({ run });
});

afterEach(() => bench.dispose());

afterAll(async () => {
  await keeper.retire();
  rmSync(runDir, { recursive: true });
});

/** A shell script that describes itself and runs this at any hook point. */
async function load(name: string, hints: string, script: string): Promise<string> {
  const path = bench.write(
    name,
    `#!/bin/sh\n[ "$1" = describe ] && { echo '{"name": "${name}", "hookHints": ${hints}}'; exit; }\n${script}\n`,
  );
  await bench.registry.start();
  expect(bench.registry.list()[0]?.reason).toBeUndefined();
  return path;
}

describe('a hook of an executable plugin', () => {
  it('gets the call as JSON on stdin, and the point as its argument', async () => {
    await load('args', '["PreStartSync", "PostStopAsync"]', `{ echo "$1"; cat; echo; } >> ${bench.tracePath}`);
    const plugins = [use('args', { data: { a: 'b' } })];
    expect(await bench.run('preStart', plugins)).toEqual({ ok: true, failures: [] });
    expect(await bench.run('postStop', plugins)).toEqual({ ok: true, failures: [] });
    const [point, call, , pointAfter, callAfter] = bench.trace();
    const common = {
      id: 'c1',
      instanceID: 'i1',
      rootfsPath: '/rootfs/',
      data: { a: 'b' },
      attempt: 1,
      cgroup: '/hob-bench/c1',
    };
    expect(point).toBe('preStart');
    expect(JSON.parse(call ?? '')).toEqual({ ...common, pid: 4711, hookPoint: 'preStart' });
    expect([pointAfter, callAfter].join()).toContain('postStop');
  });

  it('can add environment and mounts', async () => {
    await load(
      'adder',
      '1',
      `echo '{"env": ["A=1"], "mounts": [{"source": "/srv", "destination": "/data", "options": ["rbind"]}]}'`,
    );
    expect((await bench.run('postConstruction', [use('adder')])).additions).toEqual({
      env: ['A=1'],
      mounts: [{ source: '/srv', destination: '/data', type: 'bind', options: ['rbind'] }],
      fds: [],
    });
  });

  it.each([
    ['exits with another code than 0', 'echo why >&2; exit 3', 'HookFailed', /exited with code 3; stderr: why/],
    ['answers false', `echo '{"ok": false, "message": "not today"}'`, 'HookFailed', /not today/],
    ['prints junk', 'echo hello', 'BadAnswer', /not JSON to stdout: "hello/],
    ['prints more than it may', 'head -c 100000 /dev/zero | tr "\\0" x', 'BadAnswer', /more than 64 KiB/],
    ['is killed', 'kill -SEGV $$', 'PluginCrashed', /SIGSEGV/],
  ])('that %s is a failure', async (_, script, reason, words) => {
    await load('bad', '4', script);
    const result = await bench.run('postStart', [use('bad')]);
    expect(result).toMatchObject({ ok: false, failures: [{ reason, message: expect.stringMatching(words) }] });
  });

  it('that takes too long is killed, with all that it started', async () => {
    await load('slow', '4', `trap '' TERM; sleep 600 & echo $! > ${bench.tracePath}; wait`);
    const result = await bench.run('postStart', [use('slow', { timeoutSeconds: 0.3 })]);
    expect(result.failures).toMatchObject([{ reason: 'HookTimedOut', message: expect.stringContaining('0.3 s') }]);
    await expect.poll(() => isAlive(Number(bench.trace()[0]))).toBe(false);
  });

  it('is killed when the container is to stop', async () => {
    await load('slow', '4', `echo $$ > ${bench.tracePath}; exec sleep 600`);
    const stop = new AbortController();
    const running = bench.run('postStart', [use('slow')], { signal: stop.signal });
    await expect.poll(() => bench.trace()).toHaveLength(1);
    stop.abort();
    expect((await running).failures).toMatchObject([{ reason: 'HookAborted' }]);
    await expect.poll(() => isAlive(Number(bench.trace()[0]))).toBe(false);
  });

  it('has what it says on stderr in the log of hob', async () => {
    await load('chatty', '4', 'echo hello >&2');
    await bench.run('postStart', [use('chatty')]);
    expect(bench.logged).toContain('hello');
  });

  it('gets a clean environment, with a state folder that is there', async () => {
    await load('env', '4', `env > ${bench.tracePath}; touch "$HOB_PLUGIN_STATE_DIR/x"`);
    expect(await bench.run('postStart', [use('env')])).toMatchObject({ ok: true });
    const names = bench.trace().map((line) => line.split('=')[0]);
    expect(bench.trace()).toEqual(expect.arrayContaining(['HOB_NODE_NAME=bench', 'HOB_CGROUP_VERSION=1']));
    const own = ['HOB_PLUGIN_DIR', 'HOB_RUN', 'HOB_PLUGIN_STATE_DIR', 'HOB_NODE_NAME', 'HOB_CGROUP_VERSION'];
    const known = [...own, 'HOME', 'LANG', 'PATH', 'PWD', '_', 'SHLVL', 'OLDPWD'];
    expect(names.filter((name) => !known.includes(name ?? ''))).toEqual([]);
    expect(readFileSync(join(bench.dir, 'state/env/x'), 'utf8')).toBe('');
  });

  it('that was deleted meanwhile is a failure', async () => {
    const path = await load('gone', '4', 'true');
    const found = bench.registry.get('gone');
    rmSync(path);
    const limits = { timeoutMs: 10_000, graceMs: 100, signal: new AbortController().signal };
    const request = { point: 'postStart', id: 'c', instanceID: 'i', rootfsPath: '/', data: null, attempt: 1 } as const;
    expect(await found?.call(request, limits)).toMatchObject({ ok: false, reason: 'PluginCrashed' });
  });
});

describe('an executable plugin that misbehaves', () => {
  it('fails with words when it is deleted while it runs, and is missed from then on', async () => {
    const path = await load('doomed', '12', `echo begun > ${bench.tracePath}; exec sleep 600`);
    const running = bench.run('postStart', [use('doomed', { timeoutSeconds: 2 })]);
    await expect.poll(() => bench.trace()).toEqual(['begun']);
    rmSync(path);
    expect((await running).failures).toMatchObject([{ reason: 'HookTimedOut' }]);
    await bench.untilChange(() => bench.registry.get('doomed') === undefined);
    expect((await bench.run('postStop', [use('doomed')])).failures).toMatchObject([
      { reason: 'PluginNotFound', message: expect.stringContaining('no plugin folder') },
    ]);
    expect((await bench.run('preDestruction', [use('doomed')])).failures).toEqual([]);
  });

  it('can print 100 MB to both streams: it fails, and neither the keeper nor hob grows by what it printed', async () => {
    const flood = 'head -c 100000000 /dev/zero';
    await load('flood', '4', `${flood} | tr '\\0' e >&2 & ${flood} | tr '\\0' o; wait`);
    const growths = [keeper.pid, process.pid].map(watchMemory);
    const { failures } = await bench.run('postStart', [use('flood')]);
    for (const growth of growths) expect(growth()).toBeLessThan(50_000_000);
    expect(failures).toMatchObject([{ reason: 'BadAnswer', message: expect.stringContaining('more than 64 KiB') }]);
    expect(Math.max(...bench.logged.map(({ length }) => length))).toBeLessThanOrEqual(64 * 1024);
  });
});

describe('a program in the plugin folder is listed as broken when it', () => {
  it.each([
    ['has no describe', '#!/bin/sh\nexit 1\n', /"describe" ended with exit code 1/],
    ['prints junk', '#!/bin/sh\necho hello\n', /not JSON.*hello/],
    ['prints no object', '#!/bin/sh\necho 3\n', /JSON object with name and hookHints/],
    ['has no name', `#!/bin/sh\necho '{"hookHints": 1}'\n`, /its name is undefined/],
    ['has a name that is a path', `#!/bin/sh\necho '{"name": "../x", "hookHints": 1}'\n`, /its name is "\.\.\/x"/],
    ['has unknown hints', `#!/bin/sh\necho '{"name": "x", "hookHints": 32}'\n`, /bits without a meaning: 0x20/],
    ['misspells a hint', `#!/bin/sh\necho '{"name": "x", "hookHints": ["PreStart"]}'\n`, /unknown hint "PreStart"/],
    ['prints 100 MB', `#!/bin/sh\nhead -c 100000000 /dev/zero | tr '\\0' x\n`, /not JSON.*"x{40}/],
    ['has a name that is no string', `#!/bin/sh\necho '{"name": 7, "hookHints": 1}'\n`, /its name is 7/],
    [
      'has hints beyond all bits',
      `#!/bin/sh\necho '{"name": "x", "hookHints": 4294967296}'\n`,
      /without a meaning: 0x100000000/,
    ],
    ['has a bad interpreter', '#!/no/such/interpreter\n', /could not be started.*interpreter/],
  ])('%s', async (_, text, reason) => {
    bench.write('broken', text);
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([
      { name: 'broken', kind: 'executable', state: 'broken', reason: expect.stringMatching(reason) },
    ]);
  });

  it('hangs', async () => {
    const hanging = pluginBench({ run, loadLimitMs: 200 });
    hanging.write('broken', '#!/bin/sh\nexec sleep 600\n');
    await hanging.registry.start();
    expect(hanging.registry.list()[0]?.reason).toBe('"describe" did not end within 0.2 s');
    await hanging.dispose();
  });

  it('is a script that is not executable', async () => {
    chmodSync(bench.write('broken', '#!/bin/sh\n'), 0o644);
    await bench.registry.start();
    expect(bench.registry.list()[0]?.reason).toMatch(/not executable; cure: chmod \+x/);
  });
});

/** @returns by how many bytes the process has been larger since, at most, than it is now */
function watchMemory(pid: number): () => number {
  const peak = (): number => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  writeFileSync(`/proc/${pid}/clear_refs`, '5'); // from now on the peak is that of what follows
  const before = peak();
  return () => peak() - before;
}
