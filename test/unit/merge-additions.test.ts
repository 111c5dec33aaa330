import { describe, expect, it } from 'vitest';
import { type AddingPlugin, mergeAdditions } from '../../src/hooks/start-state/merge-additions.ts';

const mount = (destination: string, source = 'tmpfs', options: string[] = [], type = 'tmpfs') => ({
  source,
  destination,
  type,
  options,
});

const adding = (name: string, additions: Partial<AddingPlugin['additions']>, required = true): AddingPlugin => ({
  name,
  required,
  additions: { env: [], mounts: [], ...additions },
});

it('keeps the order of the plugins, and each identical addition once', () => {
  const { merged, conflicts } = mergeAdditions([
    adding('a', { env: ['A=1', 'B=2'], mounts: [mount('/x')] }),
    adding('b', { env: ['B=2', 'C=3'], mounts: [mount('/y'), mount('/x/')] }),
  ]);
  expect(merged).toEqual({ env: ['A=1', 'B=2', 'C=3'], mounts: [mount('/x'), mount('/y')] });
  expect(conflicts).toEqual([]);
});

it('names both plugins that set a variable to different values, without the values', () => {
  const { conflicts } = mergeAdditions([
    adding('a', { env: ['TOKEN=secret1'] }),
    adding('b', { env: ['TOKEN=secret2'] }),
  ]);
  expect(conflicts.map(({ plugin, message }) => [plugin.name, message])).toEqual([
    ['b', 'plugins a and b both add the environment variable TOKEN, in different ways'],
  ]);
});

it('names both plugins that mount different things at one place', () => {
  const { conflicts, merged } = mergeAdditions([
    adding('a', { mounts: [mount('/run/x', '/here')] }),
    adding('b', { mounts: [mount('/run//x/', '/there'), mount('/other')] }),
  ]);
  expect(conflicts.map(({ message }) => message)).toEqual([
    'plugins a and b both add the mount at /run/x, in different ways',
  ]);
  expect(merged.mounts).toEqual([mount('/run/x', '/here')]);
});

it('leaves out the plugin that the container can do without, even if it comes first', () => {
  const { conflicts, merged } = mergeAdditions([
    adding('optional', { env: ['A=1', 'X=9'] }, false),
    adding('needed', { env: ['A=2'] }),
  ]);
  expect(conflicts.map(({ plugin }) => plugin.name)).toEqual(['optional']);
  expect(merged.env).toEqual(['A=2']);
});

it('sees a plugin that contradicts itself', () => {
  const { conflicts } = mergeAdditions([adding('a', { env: ['A=1', 'A=2'] })]);
  expect(conflicts[0]?.message).toBe('plugin a adds the environment variable A twice, in different ways');
});

it('tells of all that a plugin does in another way, each once', () => {
  const { conflicts } = mergeAdditions([
    adding('a', { env: ['A=1'], mounts: [mount('/x')] }),
    adding('b', { env: ['A=2', 'B=1', 'A=3'], mounts: [mount('/x', '/other')] }),
  ]);
  expect(conflicts.map(({ message }) => message)).toEqual([
    'plugins a and b both add the environment variable A, in different ways; plugins a and b both add the mount at /x, in different ways',
  ]);
});

describe('a mount at the same place', () => {
  const ofBoth = (first: ReturnType<typeof mount>, second: ReturnType<typeof mount>) =>
    mergeAdditions([adding('a', { mounts: [first] }), adding('b', { mounts: [second] })]);

  it.each([
    ['source', mount('/x', '/one'), mount('/x', '/two')],
    ['access', mount('/x', '/data', ['bind', 'ro']), mount('/x', '/data', ['bind', 'rw'])],
    ['options', mount('/x', 'tmpfs', ['size=1m']), mount('/x', 'tmpfs', ['size=1g', 'noexec'])],
    ['type', mount('/x', 'tmpfs', []), mount('/x', 'tmpfs', [], 'mqueue')],
  ])('of another %s is another mount', (_what, first, second) => {
    expect(ofBoth(first, second).conflicts.map(({ message }) => message)).toEqual([
      'plugins a and b both add the mount at /x, in different ways',
    ]);
  });

  it('is the same whatever the order of its options', () => {
    const first = mount('/x', '/data', ['bind', 'ro', 'nodev']);
    const { merged, conflicts } = ofBoth(first, mount('/x', '/data', ['nodev', 'ro', 'bind', 'ro']));
    expect({ mounts: merged.mounts, conflicts }).toEqual({ mounts: [first], conflicts: [] });
  });

  it('of one plugin, in different ways, is a riddle as well', () => {
    const { conflicts } = mergeAdditions([adding('a', { mounts: [mount('/x'), mount('/x', 'tmpfs', ['ro'])] })]);
    expect(conflicts[0]?.message).toBe('plugin a adds the mount at /x twice, in different ways');
  });
});

describe('what the spec gives', () => {
  const given = [
    { by: 'the bundle', env: ['WHO=bundle', 'HOME=/'], mounts: [] },
    { by: 'the spec', env: ['WHO=spec'], mounts: [mount('/mnt')] },
  ];

  it('is not changed by a plugin: that is a conflict which names both, and not the values', () => {
    const plugins = [
      adding('a', { env: ['WHO=plugin'] }),
      adding('b', { mounts: [mount('/mnt/', '/host')] }),
      adding('c', { env: ['HOME=/root'] }),
    ];
    const { merged, conflicts } = mergeAdditions(plugins, given);
    expect(conflicts.map(({ message }) => message)).toEqual([
      'the spec and plugin a both add the environment variable WHO, in different ways',
      'the spec and plugin b both add the mount at /mnt, in different ways',
      'the bundle and plugin c both add the environment variable HOME, in different ways',
    ]);
    expect(merged).toEqual({ env: [], mounts: [] });
  });

  it('counts before that of its bundle; what a plugin adds that is the same is not added once more', () => {
    const plugin = adding('a', { env: ['WHO=spec', 'NEW=1'], mounts: [mount('/mnt'), mount('/new')] });
    expect(mergeAdditions([plugin], given)).toEqual({
      merged: { env: ['NEW=1'], mounts: [mount('/new')] },
      conflicts: [],
    });
  });
});
