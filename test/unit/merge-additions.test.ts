import { expect, it } from 'vitest';
import { type AddingPlugin, mergeAdditions } from '../../src/hooks/merge-additions.ts';

const mount = (destination: string, source = 'tmpfs') => ({ source, destination, type: 'tmpfs', options: [] });

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
