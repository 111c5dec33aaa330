import { didYouMean } from './formats.ts';
import { mistyped, nearest } from './nearest.ts';
import { containerSchema, observedMetadata } from './schema.ts';

/** The part of JSON Schema that the schema of the Container uses. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly additionalProperties?: false | SchemaNode;
}

/** The schema of the Container as data to walk. */
export const rootSchema: SchemaNode = containerSchema;

/** The fields inside a node: of an object its own, of a list those of its items. */
export function fieldsOf(node: SchemaNode): Readonly<Record<string, SchemaNode>> {
  return node.properties ?? (node.items === undefined ? {} : fieldsOf(node.items));
}

/** What a person who wrote `field`, unknown among `siblings`, may have wanted, in words to append to a message. */
export function hintForUnknown(field: string, siblings: readonly string[]): string {
  const elsewhere = fieldPaths().get(field)?.slice(0, 3).join(' or ');
  return didYouMean(mistyped(field, siblings) ?? elsewhere ?? nearest(field, siblings));
}

let paths: Map<string, string[]> | undefined;

/** For each name of a field the paths at which a file may have it. Made when the first mistake needs it. */
function fieldPaths(): Map<string, string[]> {
  paths ??= collect(rootSchema, '', new Map());
  return paths;
}

function collect(node: SchemaNode, path: string, found: Map<string, string[]>): Map<string, string[]> {
  for (const [name, field] of Object.entries(fieldsOf(node))) {
    const here = path === '' ? name : `${path}.${name}`;
    if (here === 'status' || (path === 'metadata' && observedMetadata.includes(name))) continue;
    found.set(name, [...(found.get(name) ?? []), here]);
    collect(field, here, found);
  }
  return found;
}
