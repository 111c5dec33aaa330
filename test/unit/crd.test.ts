import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { manifests } from '../../manifests/generate.ts';
import { capabilityNames } from '../../src/api/capabilities.ts';
import { constraints } from '../../src/api/crd/patterns.ts';
import { structural } from '../../src/api/crd/structural.ts';
import { formats } from '../../src/api/formats.ts';
import { fieldsOf, rootSchema, type SchemaNode } from '../../src/api/known-fields.ts';
import { validateContainer } from '../../src/api/validate.ts';
import {
  agreesWithDefinition,
  agreesWithNode,
  below,
  definedSchema,
  definedVersion,
  type DefinitionNode,
} from '../support/definition-validator.ts';
import { holds, mutatedValue, patience } from '../support/fuzz.ts';
import { yamlSpecs } from '../support/spec-texts.ts';

const examples = readdirSync('manifests/examples', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yaml') && name !== 'mistaken.yaml')
  .map((name) => readFileSync(join('manifests/examples', name), 'utf8'));

const containersIn = (text: string): unknown[] => parseAllDocuments(text).map((document) => document.toJS() as unknown);

function* nodes(node: DefinitionNode, path = ''): Generator<[path: string, node: DefinitionNode]> {
  yield [path, node];
  for (const [name, field] of below(node)) yield* nodes(field, `${path}.${name}`);
}
const all = [...nodes(definedSchema)];

it('the manifests in the repository are those of the schema (if not: npm run generate)', () => {
  for (const { path, is, shouldBe } of manifests('.')) expect(is, path).toBe(shouldBe);
});

describe('the schema for an API server', () => {
  it('has every field of a spec and of a status, and says what it is for', () => {
    const compare = (node: SchemaNode, defined: DefinitionNode, path: string): void => {
      expect(Object.keys(defined.properties ?? {}), path).toEqual(Object.keys(node.properties ?? {}));
      expect(defined.description, path).toBe(node.description);
      for (const [name, field] of Object.entries(node.properties ?? {}))
        compare(field, defined.properties?.[name] ?? {}, `${path}.${name}`);
      if (node.items) compare(node.items, defined.items ?? {}, `${path}[]`);
    };
    for (const name of ['spec', 'status'])
      compare(fieldsOf(rootSchema)[name] ?? {}, definedSchema.properties?.[name] ?? {}, name);
  });

  it('is structural: each node has one type, or says that it may be more', () => {
    expect(all.length).toBeGreaterThan(150);
    for (const [path, node] of all) {
      const isOpen = node['x-kubernetes-int-or-string'] ?? node['x-kubernetes-preserve-unknown-fields'] ?? false;
      expect(typeof node.type === 'string' || isOpen, path).toBe(true);
      expect(node.additionalProperties, path).not.toBe(false);
      if (node.type === 'array') expect(node.items, path).toBeDefined();
      if (node.additionalProperties) expect(node.properties, path).toBeUndefined();
    }
  });

  it('uses no format of hob, which an API server does not know', () => {
    expect(new Set(all.map(([, { format }]) => format))).toEqual(new Set([undefined, 'date-time']));
  });

  it('uses only patterns that look neither ahead nor back', () => {
    const patterns = all.flatMap(([, { pattern }]) => pattern ?? []);
    expect(patterns.length).toBeGreaterThan(20);
    for (const pattern of patterns) expect(pattern).not.toMatch(/\(\?|\\[^x]/);
  });

  it('restricts nothing of metadata but the name', () => {
    expect(definedSchema.properties?.['metadata']).toEqual({
      type: 'object',
      properties: { name: { type: 'string', maxLength: 128 } },
    });
  });

  it('merges a list by a name only where the name is required and cannot be there twice', () => {
    const merged = all.filter(([, node]) => node['x-kubernetes-list-type'] !== undefined);
    expect(merged.map(([path]) => path)).toEqual(['.status.conditions']);
    for (const [, node] of merged)
      expect(node.items?.required).toEqual(expect.arrayContaining([...(node['x-kubernetes-list-map-keys'] ?? [])]));
  });

  it('has the defaults of hob, but for an empty string, which hob fills in', () => {
    expect(structural({ type: 'string', default: 'x' })).toEqual({ type: 'string', default: 'x' });
    expect(structural({ type: 'array', items: { type: 'string' }, default: [] })).toHaveProperty('default', []);
    expect(structural({ type: 'string', default: '' })).toEqual({ type: 'string' });
    expect(all.filter(([, node]) => node.default !== undefined).length).toBeGreaterThan(10);
  });

  it('knows what it should know of every format', () => {
    expect(Object.keys(constraints).toSorted()).toEqual(Object.keys(formats).toSorted());
  });

  it('is shown in columns that there are', () => {
    const { additionalPrinterColumns } = definedVersion();
    for (const { name, jsonPath } of additionalPrinterColumns) {
      if (jsonPath === '.metadata.creationTimestamp') continue;
      const path = jsonPath
        .replace(/\[.*\]/, '')
        .split('.')
        .slice(1);
      const field = path.reduce<SchemaNode>((node, part) => fieldsOf(node)[part] ?? {}, rootSchema);
      expect(field.description, name).toBeDefined();
    }
    expect(additionalPrinterColumns.map(({ name }) => name).slice(0, 6)).toEqual([
      'Phase',
      'Ready',
      'Restarts',
      'Exit',
      'Node',
      'Age',
    ]);
  });
});

describe('an API server with this schema takes', () => {
  it.each(examples.map((text) => [/name: (.*)/.exec(text)?.[1], text]))('the example %s', (_, text = '') => {
    for (const container of containersIn(text)) {
      expect(agreesWithDefinition(container), JSON.stringify(agreesWithDefinition.errors)).toBe(true);
      expect(validateContainer(container).findings).toBeUndefined();
    }
  });

  it(
    'whatever hob takes',
    async () => {
      let taken = 0;
      for (const container of containersIn(yamlSpecs))
        await holds(mutatedValue(container), 3000, (value) => {
          if (validateContainer(value).findings) return;
          taken++;
          expect(agreesWithDefinition(value), JSON.stringify(agreesWithDefinition.errors)).toBe(true);
        });
      expect(taken).toBeGreaterThan(300);
    },
    patience,
  );

  it(
    'every value of a format that hob takes',
    async () => {
      for (const [name, format] of Object.entries(formats)) {
        const constraint = agreesWithNode(structural({ type: 'string', format: name }));
        let taken = 0;
        await holds(textOf(name), 1500, (text) => {
          if (format(text)) return;
          taken++;
          expect(constraint(text), `${name}: ${JSON.stringify(text)}`).toBe(true);
        });
        expect(taken, name).toBeGreaterThan(100);
      }
    },
    patience,
  );

  it('all signals that there are, and all capabilities', () => {
    const takes = (format: string): ((value: string) => boolean) =>
      agreesWithNode(structural({ type: 'string', format }));
    const realTime = Array.from({ length: 30 }, (_, n) => [`SIGRTMIN+${n + 1}`, `SIGRTMAX-${n + 1}`]).flat();
    for (const signal of [...Object.keys(constants.signals), ...realTime, 'SIGRTMIN', 'SIGRTMAX'])
      expect(takes('signal')(signal), signal).toBe(true);
    for (const capability of [...capabilityNames, 'ALL'])
      for (const text of [capability, `CAP_${capability}`]) expect(takes('capability')(text), text).toBe(true);
  });

  it('numbers and strings where hob takes both', () => {
    for (const resources of [
      { memory: 67108864, swap: 0, cpuQuota: 0.5 },
      { memory: '64Mi', swap: '0', cpuQuota: '500m' },
      { memory: '1e8', cpuQuota: 2 },
    ])
      expect(agreesWithDefinition(containerWith({ resources })), JSON.stringify(resources)).toBe(true);
  });
});

/** Texts of which hob takes some: well-chosen words, cut, joined and doubled. */
function textOf(format: string): fc.Arbitrary<string> {
  const words = { ...wordsOf, ...Object.fromEntries(pathLike.map((name) => [name, wordsOf.path])) }[format] ?? [];
  const word = fc.constantFrom(...words, ...'a0.-_/ '.split(''));
  return fc.oneof(
    fc.constantFrom(...words),
    fc.array(word, { maxLength: 6 }).map((all) => all.join('')),
    fc.string(),
  );
}

const pathLike = ['absolute-path', 'no-nul', 'mount-type', 'date-time'];
const names = ['a', 'web-1', 'x--y', '0', 'a'.repeat(62), 'example', '.', '-'];
const quantities = ['0', '1', '+1', '64', '.5', '1.', '1.5', 'e3', 'E2', 'e-2', 'm', 'k', 'Mi', 'Gi', 'M', 'E', '1Mi'];
const wordsOf: Readonly<Record<string, readonly string[]>> = {
  path: ['/', '/a', '/srv/web', '//', '/.', '/..', '/...', '/..a', 'a'.repeat(2000), '\n', '\0', 'é', 'ext4', 'fuse.x'],
  capability: [...capabilityNames, 'ALL', 'CAP_', 'CAP_CHOWN', 'NET_'],
  'cpu-list': ['0', '1', '3-5', ',', '0-1,3', '0,', '-', '8191', '007', ',4'.repeat(800)],
  'cpu-quantity': quantities,
  'memory-quantity': quantities,
  'memory-limit': [...quantities, '1Mi', '64Mi', '1G', '1e8', '0.5Gi'],
  'device-permissions': ['r', 'w', 'm', 'rw', 'rm', 'wm', 'rwm'],
  'dns-label': names,
  'dns-subdomain': names,
  'env-name': [...names, 'PATH', '_', 'A1', 'a.b-c'],
  hostname: [...names, 'WEB', '..'],
  'label-value': [...names, '', 'A_b', '..'],
  signal: [...Object.keys(constants.signals), 'SIGRTMIN', 'SIGRTMAX', '+1', '-30', '+31', 'SIGRTMIN+3'],
};

describe('an API server with this schema refuses', () => {
  it.each<[string, object, string]>([
    ['a path that is not absolute', { rootfs: { path: 'srv' } }, '/spec/rootfs/path'],
    ['a path with ..', { rootfs: { path: '/srv/../etc' } }, '/spec/rootfs/path'],
    ['a type that is another', { command: 'x' }, '/spec/command'],
    ['a choice that there is not', { restartPolicy: 'Sometimes' }, '/spec/restartPolicy'],
    ['a unit that there is not', { resources: { memory: '64MB' } }, '/spec/resources/memory'],
    ['less memory than makes sense', { resources: { memory: 5 } }, '/spec/resources/memory'],
    ['a fraction of a byte', { resources: { memory: 2097152.5 } }, '/spec/resources/memory'],
    ['too many CPUs', { resources: { cpuQuota: 20000 } }, '/spec/resources/cpuQuota'],
    ['a unit that CPUs have not', { resources: { cpuQuota: '2k' } }, '/spec/resources/cpuQuota'],
    ['a signal that there is not', { stopSignal: 'SIGTREM' }, '/spec/stopSignal'],
    ['a capability that there is not', { capabilities: { add: ['NET_ADMN'] } }, '/spec/capabilities/add/0'],
    ['a variable with a wrong name', { env: [{ name: '1A' }] }, '/spec/env/0/name'],
    ['a variable without a name', { env: [{ value: 'x' }] }, '/spec/env/0'],
    [
      'permissions that there are not',
      { devices: [{ path: '/dev/x', permissions: 'x' }] },
      '/spec/devices/0/permissions',
    ],
    ['a node that cannot be', { nodeName: 'Node_1' }, '/spec/nodeName'],
    ['a label that cannot be', { nodeSelector: { disk: 'a b' } }, '/spec/nodeSelector/disk'],
    ['two roots', { bundle: { path: '/b' } }, '/spec'],
    ['no root', { rootfs: undefined }, '/spec'],
    ['no program', { command: undefined }, '/spec'],
  ])('%s', (_, change, place) => {
    expect(agreesWithDefinition(JSON.parse(JSON.stringify(containerWith(change))))).toBe(false);
    expect(agreesWithDefinition.errors?.map(({ instancePath }) => instancePath)).toContain(place);
  });
});

function containerWith(spec: object): object {
  return {
    apiVersion: 'hob.dev/v1alpha1',
    kind: 'Container',
    metadata: { name: 'web' },
    spec: { rootfs: { path: '/srv' }, command: ['x'], ...spec },
  };
}
