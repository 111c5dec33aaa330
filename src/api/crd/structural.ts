import { typesOf } from '../mismatch.ts';
import type { SchemaNode } from '../known-fields.ts';
import { constraints } from './patterns.ts';

/** A structural schema: what the API server takes of JSON Schema, and its own `x-kubernetes-` keywords. */
export type StructuralSchema = Readonly<Record<string, unknown>>;

/**
 * A node of the schema of the Container, and all that is below it, as a structural schema. That fields must be known is
 * left out: an API server drops unknown ones, or refuses them when asked to, and lets no schema speak of it.
 */
export function structural(node: SchemaNode): StructuralSchema {
  const { type: _, format = '', default: preset, properties, items, additionalProperties, ...asItIs } = node;
  return {
    ...typeKeywords(node),
    ...constraints[format],
    ...asItIs,
    ...defaultKeyword(preset),
    ...(items && { items: structural(items) }),
    ...(properties && { properties: structuralFields(properties) }),
    ...(additionalProperties && { additionalProperties: structural(additionalProperties) }),
  };
}

function structuralFields(fields: Readonly<Record<string, SchemaNode>>): Readonly<Record<string, StructuralSchema>> {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, structural(field)]));
}

/** Old API servers (1.20) take an empty string for null when a Go later than theirs built them, and refuse it as a default. hob fills it in later. */
function defaultKeyword(preset: unknown): StructuralSchema {
  return preset === undefined || preset === '' ? {} : { default: preset };
}

/** A field has one type, or is an integer or a string. Of a fraction or a string an API server cannot be told: that field has no type. */
function typeKeywords(node: SchemaNode): StructuralSchema {
  const [type, ...others] = typesOf(node);
  if (type === undefined) return {};
  if (others.length === 0) return { type };
  return type === 'integer' ? { 'x-kubernetes-int-or-string': true } : { 'x-kubernetes-preserve-unknown-fields': true };
}
