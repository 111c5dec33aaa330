import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requiredMissing, waitsForPreStart } from '../../src/hooks/dispatcher.ts';
import { hookPoints } from '../../src/hooks/plugin.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(() => {
  bench = pluginBench();
});

afterEach(() => bench.dispose());

/** A plugin that takes part in all points in one way, and whose hooks run this body; `trace` and `until` are there for it. */
function plugin(name: string, mode: 'Sync' | 'Async' | 'Both', body: string): void {
  const methods = hookPoints.map((point) => `async ${point}(id) { const point = '${point}'; ${body} }`);
  const hints = { Sync: '0x1f', Async: '0x1f0000', Both: '0x1f001f' }[mode];
  bench.write(
    `${name}.mjs`,
    `import { appendFileSync, readFileSync } from 'node:fs';
     import { setTimeout as delay } from 'node:timers/promises';
     const path = ${JSON.stringify(bench.tracePath)};
     const trace = (line) => appendFileSync(path, line + '\\n');
     const until = async (line) => { while (!readFileSync(path, 'utf8').includes(line + '\\n')) await delay(5); };
     export default { name: '${name}', hookHints: ${hints}, ${methods.join(', ')} };`,
  );
}

const tracing = (name: string): string =>
  `trace('${name} begins'); await delay(20); trace('${name} ends'); return true;`;

describe('the hooks of a point', () => {
  it('run one at a time when they are synchronous, in the order of the spec', async () => {
    for (const name of ['c', 'a', 'b']) plugin(name, 'Sync', tracing(name));
    await bench.registry.start();
    expect(await bench.run('postStart', [use('b'), use('c'), use('a')])).toEqual({ ok: true, failures: [] });
    expect(bench.trace()).toEqual(['b begins', 'b ends', 'c begins', 'c ends', 'a begins', 'a ends']);
  });

  it.each(['postStop', 'preDestruction'] as const)('run in reverse at %s', async (point) => {
    for (const name of ['a', 'b', 'c']) plugin(name, 'Sync', tracing(name));
    await bench.registry.start();
    await bench.run(point, [use('b'), use('c'), use('a')]);
    expect(bench.trace()).toEqual(['a begins', 'a ends', 'c begins', 'c ends', 'b begins', 'b ends']);
  });

  it('overlap when they are asynchronous: each of these waits for the other', async () => {
    plugin('a', 'Async', `trace('a is here'); await until('b is here'); return true;`);
    plugin('b', 'Async', `trace('b is here'); await until('a is here'); return true;`);
    await bench.registry.start();
    expect(await bench.run('postStart', [use('a'), use('b')])).toEqual({ ok: true, failures: [] });
  });

  it.each(['Async', 'Both'] as const)(
    'all begin first when their bits are %s, and are waited for in the end',
    async (mode) => {
      // Each waits for the other twice: with the asynchronous one begun later, or waited for earlier, neither would ever end.
      plugin('async', mode, `trace('async begins'); await until('sync ends'); trace('async ends'); return true;`);
      plugin('sync', 'Sync', `await until('async begins'); trace('sync ends'); return true;`);
      await bench.registry.start();
      expect(await bench.run('postStart', [use('sync'), use('async')])).toEqual({ ok: true, failures: [] });
      expect(bench.trace()).toEqual(['async begins', 'sync ends', 'async ends']);
    },
  );

  it('all run even if one fails, and the point fails with any that is required', async () => {
    plugin('fails', 'Sync', `trace('fails'); return false;`);
    plugin('works', 'Sync', `trace('works'); return true;`);
    plugin('throws', 'Async', `trace('throws'); throw new Error('no');`);
    await bench.registry.start();
    const plugins = [use('fails'), use('works'), use('throws', { required: false })];
    const result = await bench.run('postStart', plugins);
    expect(result).toMatchObject({
      ok: false,
      failures: [
        { plugin: 'fails', required: true, reason: 'HookFailed' },
        { plugin: 'throws', required: false, reason: 'HookThrew' },
      ],
    });
    expect(bench.trace().toSorted()).toEqual(['fails', 'throws', 'works']);
    expect(bench.events.map(({ reason }) => reason)).toEqual(['HookFailed', 'HookThrew']);
  });

  it('that fail make no difference where the plugin is not required', async () => {
    plugin('fails', 'Sync', 'return false;');
    await bench.registry.start();
    expect(await bench.run('postStart', [use('fails', { required: false })])).toMatchObject({
      ok: true,
      failures: [{ plugin: 'fails', required: false }],
    });
  });

  it('that have not begun are not called any more when the container is to stop', async () => {
    plugin('a', 'Sync', `trace('a'); await until('never');`);
    plugin('b', 'Sync', `trace('b'); return true;`);
    await bench.registry.start();
    const stop = new AbortController();
    const running = bench.run('postStart', [use('a'), use('b')], { signal: stop.signal });
    await expect.poll(() => bench.trace()).toEqual(['a']);
    stop.abort();
    expect((await running).failures.map(({ plugin, reason }) => [plugin, reason])).toEqual([
      ['a', 'HookAborted'],
      ['b', 'HookAborted'],
    ]);
    expect(bench.trace()).toEqual(['a']);
  });
});

describe('the journal', () => {
  it('has each call with its outcome', async () => {
    plugin('good', 'Sync', 'return true;');
    plugin('bad', 'Sync', 'return false;');
    await bench.registry.start();
    await bench.run('preStart', [use('good'), use('bad')]);
    expect(bench.journal.hookCalls('c1', 'i1')).toMatchObject([
      { point: 'preStart', plugin: 'good', attempt: 1, outcome: 'ok', durationMs: expect.any(Number) },
      { point: 'preStart', plugin: 'bad', attempt: 1, outcome: 'failed', reason: 'HookFailed' },
    ]);
  });

  it('keeps a hook that ended from being called twice, and what came of it', async () => {
    plugin('good', 'Sync', `trace('good'); return true;`);
    plugin('bad', 'Sync', `trace('bad'); return false;`);
    await bench.registry.start();
    const first = await bench.run('preStart', [use('good'), use('bad')]);
    const events = bench.events.length;
    expect(await bench.run('preStart', [use('good'), use('bad')])).toEqual(first);
    expect(bench.trace()).toEqual(['good', 'bad']);
    expect(bench.journal.hookCalls('c1')).toHaveLength(2);
    expect(bench.events.length).toBe(2 * events);
  });

  it('lets a hook that never ended be called again, as the second attempt', async () => {
    bench.write(
      'again.mjs',
      `import { appendFileSync } from 'node:fs';
       export default { name: 'again', hookHints: 2,
         preStart(id, pid, rootfs, data, { attempt }) { appendFileSync(data, attempt + '\\n'); return true; } };`,
    );
    await bench.registry.start();
    bench.journal.beginHook({ containerID: 'c1', instanceID: 'i1', point: 'preStart', plugin: 'again' });
    await bench.run('preStart', [use('again', { data: bench.tracePath })]);
    await bench.run('preStart', [use('again', { data: bench.tracePath })], { instanceID: 'another' });
    expect(bench.trace()).toEqual(['2', '1']);
  });

  it('does not keep postConstruction from being run once more: what it added is gone with the hob that had it', async () => {
    bench.write(
      'adds.mjs',
      `import { appendFileSync } from 'node:fs';
       export default { name: 'adds', hookHints: 1, postConstruction(id, state, rootfs, data, { attempt }) {
         appendFileSync(data, attempt + '\\n'); return state.addEnvironmentVariable('A=1'); } };`,
    );
    await bench.registry.start();
    const plugins = [use('adds', { data: bench.tracePath })];
    const first = await bench.run('postConstruction', plugins);
    expect(await bench.run('postConstruction', plugins)).toEqual(first);
    expect(first.additions?.env).toEqual(['A=1']);
    expect(bench.trace()).toEqual(['1', '2']);
  });

  it('that cannot be written keeps a container from being made, not one that is made from its hooks', async () => {
    plugin('p', 'Sync', `trace(point); return true;`);
    await bench.registry.start();
    bench.journal.beginHook = () => {
      throw new Error('disk full');
    };
    expect((await bench.run('preStart', [use('p')])).failures).toEqual([
      expect.objectContaining({ reason: 'JournalFailed', message: expect.stringMatching(/disk full$/) }),
    ]);
    for (const point of ['postStart', 'postStop'] as const)
      expect(await bench.run(point, [use('p')])).toMatchObject({ ok: true });
    expect(bench.trace()).toEqual(['postStart', 'postStop']);
  });
});

describe('what plugins add', () => {
  const adding = (name: string, statement: string): void => {
    bench.write(
      `${name}.mjs`,
      `export default { name: '${name}', hookHints: 0x10000, async postConstruction(id, state) { ${statement}; return true; } };`,
    );
  };

  it('is put together in the order of the spec', async () => {
    adding('a', `await null; state.addEnvironmentVariable('A=1')`);
    adding('b', `state.addEnvironmentVariable('B=1')`);
    await bench.registry.start();
    const result = await bench.run('postConstruction', [use('a'), use('b')]);
    expect(result.additions?.env).toEqual(['A=1', 'B=1']);
  });

  it('in different ways is a failure that names both plugins', async () => {
    adding('a', `state.addMount('/usr', '/data', '', 4096)`);
    adding('b', `state.addMount('/etc', '/data', '', 4096)`);
    await bench.registry.start();
    const result = await bench.run('postConstruction', [use('a'), use('b')]);
    expect(result).toMatchObject({ ok: false, failures: [{ plugin: 'b', reason: 'Conflict' }] });
    expect(result.failures[0]?.message).toBe('plugins a and b both add the mount at /data, in different ways');
    expect(result).not.toHaveProperty('additions');
  });

  it('is left out where the plugin failed and is not required', async () => {
    adding('a', `state.addEnvironmentVariable('A=1'); throw new Error('after all')`);
    adding('b', `state.addEnvironmentVariable('B=1')`);
    await bench.registry.start();
    const result = await bench.run('postConstruction', [use('a', { required: false }), use('b')]);
    expect(result).toMatchObject({ ok: true, additions: { env: ['B=1'] } });
  });

  it('has its own number for each file descriptor, whichever plugin adds it', async () => {
    const add = `const { openSync, closeSync } = process.getBuiltinModule('fs');
      for (let i = 0; i < 20; i++) {
        const fd = openSync('/dev/null');
        state.addEnvironmentVariable('NAME_' + state.addFileDescriptor('x', fd) + '=1');
        closeSync(fd);
      }`;
    adding('a', add.replace('NAME', 'a'));
    adding('b', add.replace('NAME', 'b'));
    await bench.registry.start();
    const { additions } = await bench.run('postConstruction', [use('a'), use('b')]);
    const numbers = additions?.env.map((entry) => Number(/\d+/.exec(entry)?.[0])).toSorted((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 40 }, (_, index) => index + 3));
    expect(new Set(additions?.fds.map(({ fd }) => fd)).size).toBe(40);
    const { closeSync } = await import('node:fs');
    for (const { fd } of additions?.fds ?? []) closeSync(fd);
  });
});

describe('a plugin that is not there', () => {
  it('is named when it is required, and holds the container until it appears', async () => {
    await bench.registry.start();
    const plugins = [use('absent'), use('other', { required: false })];
    expect(requiredMissing(plugins, bench.registry)).toEqual([`absent: no plugin folder (${bench.folder}) has it`]);
    expect((await bench.run('postConstruction', plugins)).failures).toMatchObject([
      { plugin: 'absent', required: true, reason: 'PluginNotFound', message: expect.stringContaining(bench.folder) },
      { plugin: 'other', required: false, reason: 'PluginNotFound' },
    ]);
    plugin('absent', 'Sync', 'return true;');
    await bench.untilChange(() => requiredMissing(plugins, bench.registry).length === 0);
  });

  it('and is not required is an event once', async () => {
    await bench.registry.start();
    const plugins = [use('absent', { required: false })];
    for (const point of hookPoints) expect(await bench.run(point, plugins)).toMatchObject({ ok: true });
    expect(bench.events.map(({ reason }) => reason)).toEqual(['PluginNotFound']);
  });

  it('any more is missed at the end by those it took part in', async () => {
    await bench.registry.start();
    const call = { containerID: 'c1', instanceID: 'i1', point: 'postConstruction', plugin: 'gone' } as const;
    bench.journal.beginHook(call);
    bench.journal.endHook({ ...call, outcome: 'ok' });
    const result = await bench.run('postStop', [use('gone', { required: false })]);
    expect(result).toMatchObject({ ok: true, failures: [{ plugin: 'gone', reason: 'PluginNotFound' }] });
  });
});

it('waits for preStart only when a plugin has a bit for it, or a required one may have had', async () => {
  plugin('with', 'Async', 'return true;');
  bench.write('without.mjs', `export default { name: 'without', hookHints: 4, postStart: () => true };`);
  await bench.registry.start();
  expect(waitsForPreStart([use('without')], bench.registry, 'i1')).toBe(false);
  expect(waitsForPreStart([use('without'), use('with')], bench.registry, 'i1')).toBe(true);
  expect(waitsForPreStart([use('absent')], bench.registry, 'i1')).toBe(true);
  expect(waitsForPreStart([use('absent', { required: false })], bench.registry, 'i1')).toBe(false);
});

it('calls nothing where no plugin has a bit', async () => {
  bench.write('without.mjs', `export default { name: 'without', hookHints: 4, postStart: () => true };`);
  await bench.registry.start();
  expect(await bench.run('preStart', [use('without')])).toEqual({ ok: true, failures: [] });
  expect(bench.journal.hookCalls('c1')).toEqual([]);
});
