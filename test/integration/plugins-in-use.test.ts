import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PluginInfo } from '../../src/api/wire.ts';
import { runsForever, type TestHob, testHob, untilTrue } from '../support/hob.ts';
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

let hob: TestHob;

beforeAll(async () => {
  hob = testHob();
  hob.cli('plugin', 'new', 'greeter', '--dir', hob.plugins);
  hob.cli('plugin', 'new', 'waver', '--exec', '--dir', hob.plugins);
  writeFileSync(join(hob.plugins, 'spoilt.mjs'), 'export default 3;');
  writeFileSync(join(hob.plugins, 'odd.mjs'), `export default { name: 'odd', hookHints: 0, postStop: () => true };`);
  writeFileSync(
    join(hob.plugins, 'twin.mjs'),
    `export default { name: 'greeter', hookHints: 1, postConstruction: () => true };`,
  );
  await hob.start();
});

afterAll(() => hob.dispose());

const info = (): Record<string, PluginInfo> => {
  const { items } = JSON.parse(hob.cli('plugins', '-o', 'json')) as { items: PluginInfo[] };
  return Object.fromEntries(items.map((plugin) => [basename(plugin.path, '.mjs'), plugin]));
};

it('new plugins serve a container, and hob tells how they did', async () => {
  expect(info()).toMatchObject({
    greeter: {
      kind: 'module',
      state: 'ready',
      hooks: [
        { point: 'postConstruction', mode: 'sync', calls: 0, failures: 0 },
        { point: 'postStop', mode: 'async', calls: 0, failures: 0 },
      ],
    },
    waver: { kind: 'executable', state: 'ready' },
    odd: { state: 'warning', hooks: [], message: expect.stringMatching(/postStop.*leave out/) },
    spoilt: { state: 'broken', hooks: [], message: expect.stringMatching(/default export/) },
  });
  hob.drop('web', {
    command: ['/bin/sh', '-c', 'env; exec "$0" "$@"', ...runsForever],
    plugins: [{ name: 'greeter', data: { greeting: 'good day' } }],
  });
  hob.drop('broken', {
    command: runsForever,
    plugins: [{ name: 'waver' }, { name: 'greeter', data: { greeting: 3 } }],
  });
  await hob.untilPhase('web', 'Running');
  await untilTrue('the plugin has added its variable', () =>
    hob.cli('logs', 'web').includes('GREETER_GREETING=good day, web on '),
  );
  await hob.until('broken', 'is backed off', (container) => container?.status?.phase === 'Backoff');

  const { greeter, waver, twin } = info();
  expect(twin).toMatchObject({
    name: 'greeter',
    state: 'broken',
    message: expect.stringMatching(/taken/),
    hooks: [{ point: 'postConstruction', calls: 0 }],
  });
  expect(greeter?.hooks[0]).toMatchObject({ p50Ms: expect.any(Number), p99Ms: expect.any(Number) });
  expect(greeter?.hooks[0]?.calls).toBeGreaterThanOrEqual(2);
  expect(greeter?.hooks[0]?.failures).toBe((greeter?.hooks[0]?.calls ?? 0) - 1);
  expect(waver?.hooks[0]).toMatchObject({ failures: 0 });
  expect(hob.cli('plugins')).toMatch(/^greeter +module +ready +\d+ +\d+ +\S+s +postConstruction,postStop\(async\)$/m);
  expect(hob.cli('plugins', 'spoilt')).toMatch(/^Message: +.*default export/m);

  // Between two instances it is not in it.
  const calls =
    /T\S+Z +postConstruction +waver +ok +\S+ +1\n +\S+Z +postConstruction +greeter +failed +\S+ +1 +HookThrew: .*data\.greeting must be a string/;
  await untilTrue('the timeline tells the calls', () => calls.test(hob.cli('describe', 'broken')));
});

it('a hook that runs is shown while it does, and one that hob died in the middle of afterwards', async () => {
  writeFileSync(
    join(hob.plugins, 'slow.mjs'),
    `export default {
      name: 'slow',
      hookHints: 4,
      postStart: (id, pid, rootfsPath, data, { signal, attempt }) =>
        attempt > 1 || new Promise((resolve) => signal.addEventListener('abort', () => resolve(false))),
    };`,
  );
  await untilTrue('hob has found it', () => info()['slow']?.state === 'ready');
  hob.drop('slow', { command: runsForever, plugins: [{ name: 'slow', timeoutSeconds: 600 }] });
  await untilTrue('it is called', () => hob.tryCli('describe', 'slow').stdout.includes('postStart'));
  expect(hob.cli('describe', 'slow')).toMatch(/postStart +slow +running +1\n/);
  await hob.kill();
  await hob.start();
  await hob.untilPhase('slow', 'Running');
  const twice = /postStart +slow +interrupted +1\n.* postStart +slow +ok +\S+ +2\n/;
  await untilTrue('the second call has ended', () => twice.test(hob.cli('describe', 'slow')));
});
