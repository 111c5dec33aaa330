import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dlopen } from 'node:ffi';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isCloseOnExec, mkfifo } from '../../src/host/libc.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { type PluginBench, pluginBench, threadsOf, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(() => {
  bench = pluginBench();
});

afterEach(() => bench.dispose());

/** A module with one hook whose body is given; `trace` appends a line to the bench's file. */
const moduleWith = (name: string, hints: string, methods: string): string => `
  import { HintFlags } from 'hob/hint-flags';
  import { appendFileSync } from 'node:fs';
  const trace = (line) => appendFileSync(${JSON.stringify(bench.tracePath)}, line + '\\n');
  let calls = 0;
  export default { name: '${name}', hookHints: ${hints}, ${methods} };
`;

async function load(name: string, hints: string, methods: string): Promise<void> {
  bench.write(`${name}.mjs`, moduleWith(name, hints, methods));
  await bench.registry.start();
  expect(bench.registry.list()[0]?.reason).toBeUndefined();
  expect(bench.registry.get(name)).toBeDefined();
}

describe('a module that says to hob what only hob itself would understand', () => {
  it('is passed over, and goes on', async () => {
    const post = `import('node:worker_threads').then(({ parentPort }) => [null, 5, { kind: 'ended', call: 1 }].map((each) => parentPort.postMessage(each)))`;
    await load('talker', 'HintFlags.PreStartSync', `async preStart() { await ${post}; return true; }`);
    expect(await bench.run('preStart', [use('talker')])).toMatchObject({ ok: true });
    expect(bench.logged).toContain('the plugin posts messages of its own to hob; they are passed over');
  });

  it('with what it throws out of turn brings only its own thread down', async () => {
    const odd = 'setImmediate(() => { throw { toString: 1, valueOf: 1 }; }); return new Promise(() => undefined);';
    await load('thrower', 'HintFlags.PreStartSync', `preStart() { ${odd} }`);
    const { failures } = await bench.run('preStart', [use('thrower')]);
    expect(failures).toMatchObject([{ reason: 'PluginCrashed' }]);
  });
});

describe('a hook of an ES-module plugin', () => {
  it("gets Dobby's arguments, and a context", async () => {
    await load(
      'args',
      'HintFlags.PostConstructionSync | HintFlags.PreStartSync | HintFlags.PostStopAsync',
      `postConstruction(id, startState, rootfsPath, data, { attempt, instanceID }) {
         trace(JSON.stringify([id, typeof startState.addMount, rootfsPath, data, attempt, instanceID])); return true; },
       preStart(id, pid, rootfsPath, data) { trace(JSON.stringify([id, pid, rootfsPath, data])); return true; },
       async postStop(id, rootfsPath, data, { signal }) {
         trace(JSON.stringify([id, rootfsPath, data, signal.aborted])); return true; }`,
    );
    const plugins = [use('args', { data: { a: [1] } })];
    for (const point of ['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction'] as const)
      expect(await bench.run(point, plugins)).toMatchObject({ ok: true, failures: [] });
    expect(bench.trace().map((line): unknown => JSON.parse(line))).toEqual([
      ['c1', 'function', '/rootfs/', { a: [1] }, 1, 'i1'],
      ['c1', 4711, '/rootfs/', { a: [1] }],
      ['c1', '/rootfs/', { a: [1] }, false],
    ]);
  });

  it('adds environment and mounts, with flags as OCI options', async () => {
    await load(
      'adder',
      'HintFlags.PostConstructionSync',
      `postConstruction(id, s) {
         trace(JSON.stringify([
           s.addEnvironmentVariable('A=1=2'), s.addEnvironmentVariable('NOVALUE'), s.addEnvironmentVariable('=x'),
           s.addMount('/srv', '/data', '', 4096 | 16384 | 1, ['x']), s.addMount('tmpfs', '/', 'tmpfs'),
           s.addMount('tmpfs', 'relative', 'tmpfs'), s.addMount('tmpfs', '/t', 'tmpfs', 32),
         ]));
         return true; }`,
    );
    const result = await bench.run('postConstruction', [use('adder')]);
    expect(JSON.parse(bench.trace()[0] ?? '')).toEqual([true, false, false, true, false, false, true]);
    expect(result.additions).toEqual({
      env: ['A=1=2'],
      mounts: [
        { source: '/srv', destination: '/data', type: 'bind', options: ['x', 'rbind', 'ro'] },
        { source: 'tmpfs', destination: '/t', type: 'tmpfs', options: [] },
      ],
      fds: [],
    });
    expect(bench.logged.join('\n')).toMatch(/mount at \/t has flags that no OCI mount option stands for.*0x20/);
    expect(bench.logged.join('\n')).toMatch(/"NOVALUE" is not of the form NAME=value/);
  });

  it('adds file descriptors, which are numbered from 3 and outlive what the plugin itself holds', async () => {
    const file = join(bench.dir, 'shared');
    writeFileSync(file, 'content');
    const inherited = dlopen(null, { dup: { arguments: ['int32'], return: 'int32' } }).functions.dup(1);
    await load(
      'fds',
      'HintFlags.PostConstructionSync',
      `postConstruction(id, s, r, { path, inherited }) {
         const { openSync, closeSync } = process.getBuiltinModule('fs');
         const fd = openSync(path);
         const numbers = [s.addFileDescriptor('fds', fd), s.addFileDescriptor('other', fd), s.addFileDescriptor('fds', 9999),
           s.addFileDescriptor('fds', inherited)];
         closeSync(fd);
         trace(JSON.stringify([numbers, s.files().length, s.files('fds').length, s.files('none').length]));
         return true; }`,
    );
    const { additions } = await bench.run('postConstruction', [use('fds', { data: { path: file, inherited } })]);
    const fds = additions?.fds.map(({ fd }) => fd) ?? [];
    expect(JSON.parse(bench.trace()[0] ?? '')).toEqual([[3, 4, -1, -1], 2, 1, 0]);
    expect(fds.map((fd) => [readFileSync(fd, 'utf8'), isCloseOnExec(fd)])).toEqual([
      ['content', true],
      ['', true],
    ]);
    for (const fd of [...fds, inherited]) closeSync(fd);
  });

  it.each([
    ['answers false', 'return false', 'HookFailed', /answered false/],
    ['answers nothing', '', 'BadAnswer', /answered with undefined/],
    ['answers null', 'return null', 'BadAnswer', /answered with null/],
    ['answers a number', 'return 1', 'BadAnswer', /answered with number/],
    ['throws', 'throw new TypeError("no such thing")', 'HookThrew', /no such thing.*bad\.mjs:/],
    ['rejects', 'return Promise.reject("why")', 'HookThrew', /why/],
    ['calls process.exit', 'process.exit(3)', 'PluginCrashed', /exit code 3/],
    [
      'leaves a rejection unhandled',
      'Promise.reject(new Error("lost")); return new Promise(() => {})',
      'PluginCrashed',
      /lost/,
    ],
    [
      'throws where nobody catches',
      'setImmediate(() => { throw new Error("late") }); return new Promise(() => {})',
      'PluginCrashed',
      /late/,
    ],
    [
      'uses too much memory',
      'const a = []; for (;;) { const b = []; for (let i = 0; i < 1000; i++) b.push({ i }); a.push(b); }',
      'PluginCrashed',
      /memory/,
    ],
  ])('that %s is a failure, and the next call finds the plugin alive', async (_, body, reason, words) => {
    await load('bad', 'HintFlags.PostStartSync', `postStart(id) { if (id === 'good') return true; ${body} }`);
    expect(await bench.run('postStart', [use('bad')])).toMatchObject({
      ok: false,
      failures: [{ plugin: 'bad', required: true, reason, message: expect.stringMatching(words) }],
    });
    expect(bench.events).toMatchObject([
      { type: 'Warning', reason, message: expect.stringContaining('plugin bad, postStart:') },
    ]);
    expect(await bench.run('postStart', [use('bad')], { id: 'good', instanceID: 'i2' })).toMatchObject({ ok: true });
  });

  it('that ends when its signal fires has timed out, and its thread lives on', async () => {
    await load(
      'slow',
      'HintFlags.PostStartSync',
      `postStart(id, pid, r, d, { signal }) {
         if (++calls === 2) { trace('same thread'); return true; }
         return new Promise((resolve) => signal.addEventListener('abort', () => { trace(signal.reason.message); resolve(true); })); }`,
    );
    const result = await bench.run('postStart', [use('slow', { timeoutSeconds: 0.05 })], { graceMs: 20_000 });
    expect(result.failures).toMatchObject([{ reason: 'HookTimedOut', message: 'it did not end within 0.05 s' }]);
    expect(await bench.run('postStart', [use('slow')], { instanceID: 'i2' })).toMatchObject({ ok: true });
    expect(bench.trace()).toEqual(['it did not end within 0.05 s', 'same thread']);
  });

  it.each([
    ['a promise that never settles', 'return new Promise(() => {})'],
    ['a blocking loop', 'for (;;);'],
  ])('that ignores its signal is cut off: %s', async (_, body) => {
    await load('stuck', 'HintFlags.PostStartSync', `postStart(id) { if (id === 'good') return true; ${body} }`);
    const result = await bench.run('postStart', [use('stuck', { timeoutSeconds: 0.05 })], { graceMs: 50 });
    expect(result.failures).toMatchObject([
      { reason: 'HookTimedOut', message: expect.stringContaining('ignored its AbortSignal; its thread was ended') },
    ]);
    expect(await bench.run('postStart', [use('stuck')], { id: 'good', instanceID: 'i2' })).toMatchObject({ ok: true });
  });

  it('that is inside of a system call when it is cut off has its thread left behind until that ends', async () => {
    const fifo = join(bench.dir, 'fifo');
    mkfifo(fifo, 0o600);
    await load(
      'blocked',
      'HintFlags.PostStartSync',
      `postStart(id) { if (id === 'good') return true;
         process.getBuiltinModule('child_process').execFileSync('cat', [${JSON.stringify(fifo)}]); }`,
    );
    const result = await bench.run('postStart', [use('blocked', { timeoutSeconds: 0.05 })], { graceMs: 50 });
    expect(result.failures).toMatchObject([{ reason: 'HookTimedOut' }]);
    expect(bench.logged.join('\n')).toContain('the thread of a plugin does not end');
    expect(await bench.run('postStart', [use('blocked')], { id: 'good', instanceID: 'i2' })).toMatchObject({
      ok: true,
    });
    expect(await bench.registry.close()).toBe(1);
    writeFileSync(fifo, 'go on');
    await expect.poll(() => bench.registry.close()).toBe(0);
  });

  it('takes others of its plugin down with it when it is cut off, but not those that only waited for the thread', async () => {
    await load(
      'shared',
      'HintFlags.PostStartSync',
      `async postStart(id) {
         trace(id + ' begins');
         if (id === 'waits') return new Promise(() => {});
         if (id === 'blocks') for (;;);
         return true; }`,
    );
    const begun = (id: string) => expect.poll(() => bench.trace()).toContain(`${id} begins`);
    const waits = bench.run('postStart', [use('shared')], { id: 'waits', instanceID: 'i1' });
    await begun('waits');
    const blocks = bench.run('postStart', [use('shared', { timeoutSeconds: 0.3 })], { id: 'blocks', instanceID: 'i2' });
    await begun('blocks');
    const queued = bench.run('postStart', [use('shared')], { id: 'queued', instanceID: 'i3' });
    expect((await blocks).failures).toMatchObject([{ reason: 'HookTimedOut' }]);
    expect((await waits).failures).toMatchObject([
      {
        reason: 'PluginCrashed',
        message: expect.stringContaining('postStart of container blocks ignored its AbortSignal'),
      },
    ]);
    expect(await queued).toMatchObject({ ok: true });
    expect(bench.trace()).toEqual(['waits begins', 'blocks begins', 'queued begins']);
  });

  it('has its own time from its beginning, whoever waits for the thread meanwhile and with what limit', async () => {
    const go = join(bench.dir, 'go');
    await load(
      'busy',
      'HintFlags.PostStartSync',
      `postStart(id) {
         trace(id + ' begins');
         while (id === 'works' && !process.getBuiltinModule('fs').existsSync('${go}'));
         return true; }`,
    );
    const works = bench.run('postStart', [use('busy')], { id: 'works', instanceID: 'i1' });
    await expect.poll(() => bench.trace()).toEqual(['works begins']);
    const waits = bench.run('postStart', [use('busy', { timeoutSeconds: 0.2 })], { id: 'waits', instanceID: 'i2' });
    await delay(400);
    writeFileSync(go, '');
    expect((await works).failures).toEqual([]);
    expect(await waits).toMatchObject({ ok: true, failures: [] });
    expect(bench.trace()).toEqual(['works begins', 'waits begins']);
  });

  it('is given up alone when it never ends but does not block: others are spared, new ones get a new thread', async () => {
    const go = join(bench.dir, 'go');
    await load(
      'shared',
      'HintFlags.PostStartSync',
      `async postStart(id) {
         trace(id + ' begins in thread ' + process.getBuiltinModule('worker_threads').threadId);
         if (id === 'hangs') return new Promise(() => {});
         while (id === 'works' && !process.getBuiltinModule('fs').existsSync('${go}')) await new Promise((next) => setTimeout(next, 10));
         return true; }`,
    );
    const works = bench.run('postStart', [use('shared')], { id: 'works', instanceID: 'i1' });
    const hangs = bench.run('postStart', [use('shared', { timeoutSeconds: 0.05 })], { id: 'hangs', instanceID: 'i2' });
    expect((await hangs).failures).toMatchObject([
      { reason: 'HookTimedOut', message: expect.stringContaining('its thread ends with the other calls in it') },
    ]);
    expect(await bench.run('postStart', [use('shared')], { id: 'new', instanceID: 'i3' })).toMatchObject({ ok: true });
    const threads = bench.trace().map((line) => line.split(' ').at(-1));
    expect(threads[1]).toBe(threads[0]);
    expect(threads[2]).not.toBe(threads[0]);
    expect(threadsOf('shared.mjs')).toBe(2);
    writeFileSync(go, '');
    expect((await works).failures).toEqual([]);
    await expect.poll(() => threadsOf('shared.mjs')).toBe(1);
  });

  it('adds nothing any more when it was told to end: nobody would take it', async () => {
    const go = join(bench.dir, 'go');
    await load(
      'adder',
      'HintFlags.PostConstructionSync',
      `async postConstruction(id, startState, r, d, { signal }) {
         while (!process.getBuiltinModule('fs').existsSync('${go}') && (id === 'works' || !signal.aborted))
           await new Promise((next) => setTimeout(next, 10));
         trace(id + ' ' + startState.addFileDescriptor('adder', process.getBuiltinModule('fs').openSync('/dev/null')));
         return true; }`,
    );
    const late = bench.run('postConstruction', [use('adder', { timeoutSeconds: 0.05 })], {
      id: 'late',
      graceMs: 20_000,
    });
    expect((await late).failures).toMatchObject([{ reason: 'HookTimedOut' }]);
    writeFileSync(go, '');
    const { additions } = await bench.run('postConstruction', [use('adder')], { id: 'works', instanceID: 'i2' });
    expect(bench.trace()).toEqual(['late -1', 'works 3']);
    for (const { fd } of additions?.fds ?? []) closeSync(fd);
  });

  it('leaves no thread behind when hob lets go of its plugins, in the middle of that too', async () => {
    await load(
      'shared',
      'HintFlags.PostStartSync',
      `async postStart(id) { trace(id + ' begins'); return new Promise(() => {}); }`,
    );
    void bench.run('postStart', [use('shared')], { id: 'works', instanceID: 'i1' });
    await bench.run('postStart', [use('shared', { timeoutSeconds: 0.05 })], { id: 'hangs', instanceID: 'i2' });
    void bench.run('postStart', [use('shared')], { id: 'new', instanceID: 'i3' });
    await expect.poll(() => bench.trace()).toContain('new begins');
    expect(threadsOf('shared.mjs')).toBe(2);
    expect(await bench.registry.close()).toBe(0);
    await expect.poll(() => threadsOf('shared.mjs')).toBe(0);
  });

  it('that is called when hob has let go of its plugins starts no thread, and has no outcome', async () => {
    await load('late', 'HintFlags.PostStartSync', `postStart() { trace('called'); return true; }`);
    const plugin = bench.registry.get('late');
    await bench.registry.close();
    const limits = { timeoutMs: 20, graceMs: 20, signal: AbortSignal.timeout(40) };
    const request = {
      point: 'postStart',
      id: 'c1',
      instanceID: 'i1',
      rootfsPath: '/',
      data: null,
      attempt: 1,
    } as const;
    const outcome = Promise.resolve(plugin?.call(request, limits));
    expect(threadsOf('late.mjs')).toBe(0);
    expect(await Promise.race([outcome, delay(200, 'none')])).toBe('none');
    await expect.poll(() => threadsOf('late.mjs')).toBe(0);
  });

  it('is told to end when the container is to stop', async () => {
    await load(
      'patient',
      'HintFlags.PostStartSync',
      `postStart(id, p, r, d, { signal }) { trace('begins');
         return new Promise((resolve) => signal.addEventListener('abort', () => resolve(true))); }`,
    );
    const stop = new AbortController();
    const running = bench.run('postStart', [use('patient')], { signal: stop.signal, graceMs: 20_000 });
    await expect.poll(() => bench.trace()).toEqual(['begins']);
    stop.abort();
    expect((await running).failures).toMatchObject([{ reason: 'HookAborted', message: 'the container is to stop' }]);
  });

  it('is not called at all when the container is to stop already', async () => {
    await load('late', 'HintFlags.PostStartSync', `postStart() { trace('called'); return true; }`);
    const result = await bench.run('postStart', [use('late')], { signal: AbortSignal.abort() });
    expect(result.failures).toMatchObject([{ reason: 'HookAborted' }]);
    expect(bench.trace()).toEqual([]);
    expect(bench.journal.hookCalls('c1')).toEqual([]);
  });

  it('has its output in the log of hob', async () => {
    await load(
      'chatty',
      'HintFlags.PostStartSync',
      `postStart() { console.log('hello'); console.error('oh'); return true; }`,
    );
    await bench.run('postStart', [use('chatty')]);
    await expect.poll(() => bench.logged).toEqual(expect.arrayContaining(['hello', 'oh']));
  });

  it('sees none of the environment of hob, but where its own state folder is', async () => {
    process.env['HOB_TEST_SECRET'] = 'secret';
    await load('env', 'HintFlags.PostStartSync', `postStart() { trace(JSON.stringify(process.env)); return true; }`);
    await bench.run('postStart', [use('env')]);
    delete process.env['HOB_TEST_SECRET'];
    const env: unknown = JSON.parse(bench.trace()[0] ?? '');
    expect(env).toMatchObject({
      HOB_PLUGIN_STATE_DIR: join(bench.dir, 'state/env'),
      HOB_PLUGIN_DIR: bench.folder,
    });
    expect(env).not.toHaveProperty('HOB_TEST_SECRET');
  });
});

it('closes the descriptors of a container that is not to be', async () => {
  await load(
    'opener',
    'HintFlags.PostConstructionSync',
    `postConstruction(id, s) {
       s.addFileDescriptor('opener', process.getBuiltinModule('fs').openSync('/dev/zero'));
       trace(String(s.files()[0])); return false; }`,
  );
  expect(await bench.run('postConstruction', [use('opener')])).toMatchObject({ ok: false });
  const fd = Number(bench.trace()[0]);
  // The number may be in use again by now, for something else.
  const isZero = (): boolean => fstatSync(fd).rdev === fstatSync(zero).rdev;
  const zero = openSync('/dev/zero', 'r');
  expect(fd === zero || !tryOr(isZero, false)).toBe(true);
  closeSync(zero);
});

function tryOr<T>(ask: () => T, otherwise: T): T {
  try {
    return ask();
  } catch {
    return otherwise;
  }
}
