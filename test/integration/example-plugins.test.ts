import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(async () => {
  bench = pluginBench({ folders: [join(import.meta.dirname, '../../plugins/examples')] });
  await bench.registry.start();
});

afterEach(() => bench.dispose());

it('the examples are all ready to be used', () => {
  expect(bench.registry.list().map(({ name, kind, reason }) => [name, kind, reason])).toEqual([
    ['clock', 'module', undefined],
    ['greeter', 'executable', undefined],
  ]);
});

describe('clock', () => {
  it('adds the time and a scratch file system', async () => {
    const result = await bench.run('postConstruction', [use('clock', { data: { scratchSize: '4m' } })]);
    expect(result.failures).toEqual([]);
    expect(result.additions).toMatchObject({
      env: [expect.stringMatching(/^CLOCK_CREATED_AT=\d{4}-\d\d-\d\dT/)],
      mounts: [{ source: 'tmpfs', destination: '/tmp', type: 'tmpfs', options: expect.arrayContaining(['size=4m']) }],
    });
  });

  it('refuses data of the wrong type', async () => {
    const result = await bench.run('postConstruction', [use('clock', { data: { scratchSize: 4 } })]);
    expect(result.failures).toMatchObject([
      { reason: 'HookThrew', message: expect.stringContaining('data.scratchSize must be a string') },
    ]);
  });

  it('says how long the container ran', async () => {
    await bench.run('postStart', [use('clock')]);
    expect(await bench.run('postStop', [use('clock')])).toEqual({ ok: true, failures: [] });
    const said = /^clock: c1 (?:began, its first process is 4711|ran for \d+ s)$/;
    await expect.poll(() => bench.logged.filter((line) => said.test(line))).toHaveLength(2);
  });
});

describe('greeter', () => {
  it('leaves its greeting in the container, by the root of its first process', async () => {
    // This process stands for the container's: its root is the host's, as that of a container is before its command runs.
    mkdirSync(join(bench.dir, 'dev/shm'), { recursive: true });
    const result = await bench.run('preStart', [use('greeter', { data: { greeting: 'good day' } })], {
      pid: process.pid,
      rootfsPath: `${bench.dir}/`,
    });
    expect(result).toEqual({ ok: true, failures: [] });
    expect(readFileSync(join(bench.dir, 'dev/shm/greeting'), 'utf8')).toBe('good day, c1\n');
  });

  it('keeps a container from starting when it cannot leave it', async () => {
    const result = await bench.run('preStart', [use('greeter')], { pid: process.pid, rootfsPath: '/no/such/rootfs/' });
    expect(result).toMatchObject({
      ok: false,
      failures: [{ reason: 'HookFailed', message: expect.stringMatching(/exit.*greeting/) }],
    });
  });

  it('says farewell', async () => {
    await bench.run('postStop', [use('greeter')]);
    expect(bench.logged).toContain('greeter: farewell, c1');
  });
});
