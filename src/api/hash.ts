import { createHash } from 'node:crypto';
import type { ContainerSpec } from './container.ts';
import { isObject } from './finding.ts';
import { fieldsOf, rootSchema, type SchemaNode } from './known-fields.ts';

/** A hash of a JSON value that does not depend on the order of fields: 16 hexadecimal digits. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);
}

/** JSON with sorted fields. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'null';
  const fields = Object.keys(value).toSorted();
  return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
}

/** Fields that hob heeds without a new instance, and without telling crun. */
const heeded = [
  'desiredState',
  'nodeName',
  'nodeSelector',
  'restartPolicy',
  'stopSignal',
  'terminationGracePeriodSeconds',
];

/**
 * What a change of a spec asks for: with another `instance`, a new instance; with another `resources`, `crun update`. With neither, hob
 * only has to remember the new spec.
 *
 * Values that are the default count as absent, so that a default which a later hob adds restarts no container.
 */
export function changeHashes(spec: ContainerSpec): { instance: string; resources: string } {
  const { resources, ...others } = withoutDefaults(spec, specSchema);
  const instance = Object.entries(others).filter(([name]) => !heeded.includes(name));
  return { instance: contentHash(Object.fromEntries(instance)), resources: contentHash(resources ?? {}) };
}

const specSchema: SchemaNode = fieldsOf(rootSchema)['spec'] ?? {};

function withoutDefaults(value: object, node: SchemaNode): Record<string, unknown> {
  const kept = Object.entries(value).flatMap(([name, given]) => {
    const field = node.properties?.[name] ?? {};
    const bare = bareValue(given, field);
    return canonical(bare) === canonical(field.default) ? [] : [[name, bare] as const];
  });
  return Object.fromEntries(kept);
}

function bareValue(value: unknown, node: SchemaNode): unknown {
  const { items } = node;
  if (Array.isArray(value) && items !== undefined) return value.map((item) => bareValue(item, items));
  return isObject(value) && node.properties !== undefined ? withoutDefaults(value, node) : value;
}
