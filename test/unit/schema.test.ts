import { describe, expect, it } from 'vitest';
import { formats } from '../../src/api/formats.ts';
import { fieldsOf, rootSchema, type SchemaNode } from '../../src/api/known-fields.ts';
import { checkShape } from '../../src/api/shape.ts';
import { agreesWithSchema } from '../support/reference-validator.ts';

/** Every field below a node, with its path. */
function* fieldsBelow(node: SchemaNode, path = ''): Generator<[path: string, field: SchemaNode]> {
  for (const [name, field] of Object.entries(fieldsOf(node))) {
    yield [`${path}.${name}`, field];
    yield* fieldsBelow(field, `${path}.${name}`);
  }
}
const all = [...fieldsBelow(rootSchema)];

describe('the schema', () => {
  it('says of every field what it is for', () => {
    expect(all.length).toBeGreaterThan(100);
    for (const [path, { description }] of all) expect(description, path).toMatch(/^\S.*\.$/s);
  });

  it('uses only formats that there are', () => {
    for (const [path, { format }] of all)
      if (format !== undefined) expect(formats[format], path).toBeTypeOf('function');
  });

  it('has defaults that are valid themselves', () => {
    for (const [path, field] of all) {
      const findings: unknown[] = [];
      if (field.default !== undefined) checkShape(field.default, field, [], (finding) => findings.push(finding));
      expect(findings, path).toEqual([]);
    }
  });

  it('has no default where a bundle may say something', () => {
    for (const name of [
      'terminal',
      'noNewPrivileges',
      'readOnlyRootfs',
      'network',
      'hostname',
      'workingDir',
      'user',
      'seccomp',
    ])
      expect(rootSchema.properties?.['spec']?.properties?.[name]).not.toHaveProperty('default');
  });

  it('is a schema that Kubernetes can hold: every node has a type, and none has what a CRD may not have', () => {
    const forbidden = [
      '$ref',
      'allOf',
      'anyOf',
      'oneOf',
      'not',
      'const',
      'patternProperties',
      'uniqueItems',
      'if',
      'definitions',
    ];
    const nodes = (node: SchemaNode): SchemaNode[] => [
      node,
      ...[...Object.values(node.properties ?? {}), node.items, node.additionalProperties]
        .filter((one) => typeof one === 'object')
        .flatMap(nodes),
    ];
    for (const node of nodes(rootSchema)) {
      expect(node.type ?? Object.hasOwn(node, 'x-kubernetes-preserve-unknown-fields')).toBeTruthy();
      for (const keyword of forbidden) expect(node).not.toHaveProperty([keyword]);
    }
  });
});

describe('the check against the schema', () => {
  const samples = [
    null,
    true,
    0,
    1,
    -1,
    1.5,
    5e9,
    1e6,
    '',
    'x',
    '5',
    '/x',
    '/x/..',
    '64Mi',
    'rw',
    [],
    ['x'],
    [5],
    {},
    { name: 'x' },
    { path: '/x' },
    { path: 5, more: 1 },
    { uid: 1, gid: 2 },
    [{ name: 'x' }],
    [{ destination: '/x', source: '/y' }],
    [{}],
  ];

  it('agrees with a general validator on each field, on what is valid and on the defaults', () => {
    let valid = 0;
    for (const [name, field] of Object.entries(fieldsOf(fieldsOf(rootSchema)['spec'] ?? {}))) {
      for (const sample of samples) {
        const input = {
          apiVersion: 'hob.dev/v1alpha1',
          kind: 'Container',
          metadata: { name: 'web' },
          spec: { [name]: sample },
        };
        const findings: unknown[] = [];
        const checked = checkShape(input, rootSchema, [], (finding) => findings.push(finding));
        const copy = structuredClone(input);
        const agreed = agreesWithSchema(copy);
        expect({ name, sample, valid: findings.length === 0, type: field.type }).toEqual({
          name,
          sample,
          valid: agreed,
          type: field.type,
        });
        if (agreed) expect(checked).toEqual(copy);
        if (agreed) valid++;
      }
    }
    expect(valid).toBeGreaterThan(30);
  });
});
