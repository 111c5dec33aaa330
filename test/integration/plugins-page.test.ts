import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

let bench: PluginBench;

/** Each block of code in docs/plugins.md with a file name behind its language is a plugin. */
const page = readFileSync(join(import.meta.dirname, '../../docs/plugins.md'), 'utf8');
const files = [...page.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)];

beforeEach(async () => {
  bench = pluginBench();
  for (const [, name = '', text = ''] of files) bench.write(name, text);
  await bench.registry.start();
});

afterEach(() => bench.dispose());

it('the plugins of the page about plugins can be used', () => {
  expect(bench.registry.list().map(({ name, state, reason }) => [name, state, reason])).toEqual([
    ['greet', 'ready', undefined],
    ['hello', 'ready', undefined],
    ['typed', 'ready', undefined],
  ]);
});

it('the plugins of the page about plugins do what it says', async () => {
  const plugins = [use('greet'), use('hello', { data: { greeting: 'good day' } }), use('typed')];
  const result = await bench.run('postConstruction', plugins);
  expect(result).toEqual({
    ok: true,
    failures: [],
    additions: {
      env: ['GREETING=hello', 'HELLO=good day, c1'],
      mounts: [
        { source: 'tmpfs', destination: '/tmp', type: 'tmpfs', options: [] },
        { source: '/usr/share/zoneinfo', destination: '/mnt', type: 'bind', options: ['bind', 'ro'] },
      ],
      fds: [],
    },
  });
  await bench.run('postStop', plugins);
  await expect.poll(() => bench.logged).toContain('farewell, c1');
  const call = { id: 'c1', instanceID: 'i1', rootfsPath: '/rootfs/', data: null, attempt: 1, hookPoint: 'postStop' };
  expect(bench.logged).toContain(`called with: ${JSON.stringify(call)}`);
});
