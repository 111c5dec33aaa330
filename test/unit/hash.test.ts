import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../src/api/container.ts';
import { changeHashes, contentHash } from '../../src/api/hash.ts';
import { parseSpecs } from '../../src/api/parse.ts';

function specWith(yaml = ''): ContainerSpec {
  const head =
    'apiVersion: hob.dev/v1alpha1\nkind: Container\nmetadata: {name: web}\nspec:\n  rootfs: {path: /srv}\n  command: [x]\n';
  const { containers, mistakes } = parseSpecs(head + yaml.replace(/^(?=.)/gm, '  '), 'f');
  expect(mistakes).toEqual([]);
  const [container] = containers;
  if (!container) throw new Error('no container');
  return container.spec;
}

describe('the hash of a value', () => {
  it('does not depend on the order of fields, but on that of lists', () => {
    expect(contentHash({ a: 1, b: { c: 2, d: [1, 2] } })).toBe(contentHash({ b: { d: [1, 2], c: 2 }, a: 1 }));
    expect(contentHash([1, 2])).not.toBe(contentHash([2, 1]));
    expect(contentHash({ a: 1 })).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is another for every other value', () => {
    const values = [
      null,
      0,
      '',
      '0',
      [],
      {},
      [0],
      { a: null },
      { a: 0 },
      { a: '0' },
      { a: [] },
      [[]],
      ['a', 0],
      '{"a":0}',
      true,
      'true',
    ];
    expect(new Set(values.map(contentHash)).size).toBe(values.length);
  });

  it('stays what it was in earlier versions of hob, or every container would count as changed', () => {
    expect(contentHash({ b: [1, 'x', null], a: { c: true } })).toBe('9ca7d4a8b567c7d6');
    expect(changeHashes(specWith())).toEqual({ instance: '174a87969272ed2f', resources: '44136fa355b3678a' });
  });
});

describe('what a change of a spec asks for', () => {
  it.each([
    ['nothing', '', 'neither'],
    ['a default that is written out', 'restartPolicy: Always\nlog: {maxFiles: 3}\nplugins: []', 'neither'],
    ['the restart policy', 'restartPolicy: Never', 'neither'],
    ['the desired state', 'desiredState: Paused', 'neither'],
    ['the stop signal', 'stopSignal: SIGINT', 'neither'],
    ['the grace period', 'terminationGracePeriodSeconds: 1', 'neither'],
    ['the node', 'nodeName: one\nnodeSelector: {disk: fast}', 'neither'],
    ['no resources, written out', 'resources: {}', 'neither'],
    ['a limit', 'resources: {memory: 64Mi}', 'resources'],
    ['the command', 'args: [y]', 'instance'],
    ['the environment', 'env: [{name: A}]', 'instance'],
    ['a plugin', 'plugins: [{name: p}]', 'instance'],
    ['the log', 'log: {maxFiles: 4}', 'instance'],
    ['the patch', 'ociPatch: {hostname: x}', 'instance'],
    ['a limit and the command', 'resources: {pids: 5}\nargs: [y]', 'both'],
  ])('%s', (_, yaml, expected) => {
    const before = changeHashes(specWith());
    const after = changeHashes(specWith(yaml));
    const changed = [
      ...(before.instance === after.instance ? [] : ['instance']),
      ...(before.resources === after.resources ? [] : ['resources']),
    ];
    expect(changed.length === 2 ? 'both' : (changed[0] ?? 'neither')).toBe(expected);
  });

  it('a default of a field inside a list counts as absent as well', () => {
    const short = specWith('plugins: [{name: p}]');
    expect(changeHashes(specWith('plugins: [{name: p, required: true, timeoutSeconds: 30}]'))).toEqual(
      changeHashes(short),
    );
    expect(changeHashes(specWith('plugins: [{name: p, required: false}]'))).not.toEqual(changeHashes(short));
  });
});
