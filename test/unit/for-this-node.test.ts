import { expect, it } from 'vitest';
import { parseSpecs } from '../../src/api/parse.ts';
import { forThisNode } from '../../src/sources/for-this-node.ts';
import type { Declaration, SourceSink } from '../../src/sources/source.ts';

const spec = (name: string, nodeName?: string): string =>
  JSON.stringify({
    apiVersion: 'hob.dev/v1alpha1',
    kind: 'Container',
    metadata: { name },
    spec: { ...(nodeName && { nodeName }), rootfs: { path: '/srv' }, command: ['/bin/true'] },
  });

const declaration = (...specs: string[]): Declaration => parseSpecs(specs.join('\n---\n'), 'all.yaml');

it('of one folder for several hosts, each takes what is for it, and says once what is not', () => {
  const declared: string[][] = [];
  const told: string[] = [];
  const sink: SourceSink = {
    declare: (_, { containers }) => void declared.push(containers.map(({ metadata }) => metadata.name)),
    withdraw: () => undefined,
    synced: () => undefined,
    unavailable: () => undefined,
  };
  const mine = forThisNode(sink, { name: 'one', labels: {} }, (origin, keys, node) =>
    told.push(`${origin} ${keys.join(' ')} ${node}`),
  );
  const all = declaration(spec('any'), spec('own', 'one'), spec('foreign', 'two'));
  mine.declare('all.yaml', all);
  mine.declare('all.yaml', all);
  mine.declare('all.yaml', declaration(spec('any')));
  mine.declare('all.yaml', all);
  expect(declared).toEqual([['any', 'own'], ['any', 'own'], ['any'], ['any', 'own']]);
  expect(told).toEqual(['all.yaml default/foreign one', 'all.yaml default/foreign one']);
});
