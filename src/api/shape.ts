import { described, isObject, isSecret, type Fields, type Finding, type Path } from './finding.ts';
import type { Expected } from './formats.ts';
import { hintForUnknown, type SchemaNode } from './known-fields.ts';
import { mismatch } from './mismatch.ts';

type Report = (finding: Finding) => void;

/**
 * Compare a value with its schema and report all that is wrong. Answers a copy with the defaults filled in.
 *
 * The schema is walked, and not compiled by a general validator: that takes 100 ms and 10 MB less, and a message can
 * say in the words of the field what was expected.
 */
export function checkShape(value: unknown, node: SchemaNode, path: Path, report: Report): unknown {
  const expected = mismatch(value, node);
  if (expected !== undefined) report(unexpected(value, expected, path));
  else if (Array.isArray(value)) return checkItems(value, node, path, report);
  else if (isObject(value)) return checkFields(value, node, path, report);
  return value;
}

function unexpected(value: unknown, { words, hint = '' }: Expected, path: Path): Finding {
  return { path, at: 'value', message: `expected ${words}, found ${described(value, isSecret(path))}${hint}` };
}

function checkItems(list: readonly unknown[], { items }: SchemaNode, path: Path, report: Report): readonly unknown[] {
  return items === undefined ? list : list.map((item, index) => checkShape(item, items, [...path, index], report));
}

function checkFields(value: Fields, node: SchemaNode, path: Path, report: Report): Fields {
  const { properties, additionalProperties } = node;
  if (properties !== undefined) return checkProperties(value, { ...node, properties }, path, report);
  if (!additionalProperties) return value;
  const checked = Object.entries(value).map(
    ([name, item]) => [name, checkShape(item, additionalProperties, [...path, name], report)] as const,
  );
  return Object.fromEntries<unknown>(checked);
}

type ObjectNode = SchemaNode & Required<Pick<SchemaNode, 'properties'>>;

function checkProperties(value: Fields, node: ObjectNode, path: Path, report: Report): Fields {
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(node.properties)) {
    const given = Object.hasOwn(value, name) ? value[name] : field.default;
    if (given !== undefined) result[name] = checkShape(given, field, [...path, name], report);
    else if (node.required?.includes(name))
      report({ path: [...path, name], at: 'parent', message: 'it is required, and missing' });
  }
  for (const name of Object.keys(value))
    if (!Object.hasOwn(node.properties, name)) report(unknownField(name, node, path));
  return result;
}

function unknownField(name: string, { properties }: ObjectNode, path: Path): Finding {
  const message = `there is no such field${hintForUnknown(name, Object.keys(properties))}`;
  return { path: [...path, name], at: 'key', message };
}
