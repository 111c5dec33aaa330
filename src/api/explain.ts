import { fieldsOf, hintForUnknown, rootSchema, type SchemaNode } from './known-fields.ts';
import { typesOf } from './mismatch.ts';
import { apiVersion, kind } from './schema.ts';

const lineWidth = 96;

/**
 * What a field of the Container is for, in the manner of `kubectl explain`.
 * @param path dotted, `spec.resources`; with or without `container` in front; indexes are overlooked. Without one, the Container itself
 * @throws Error that names the nearest field, when there is no such field
 */
export function explain(path = ''): string {
  const { name, node } = find(names(path));
  const heading = [`KIND:     ${kind}`, `VERSION:  ${apiVersion}`];
  const field = name === undefined ? [] : ['', `FIELD:    ${name} <${typeText(node)}>`];
  const description = ['', 'DESCRIPTION:', ...wrapped(node.description ?? '', '    '), ...facts(node, '    ')];
  const fields = Object.entries(fieldsOf(node)).flatMap(([name, one]) => fieldText(name, one, node));
  return [...heading, ...field, ...description, ...(fields.length === 0 ? [] : ['', 'FIELDS:', ...fields]), ''].join(
    '\n',
  );
}

function names(path: string): string[] {
  const all = path
    .replace(/\[[^\]]*\]/g, '')
    .split('.')
    .filter((name) => name !== '');
  return /^containers?$/i.test(all[0] ?? '') ? all.slice(1) : all;
}

function find(path: readonly string[]): { name?: string; node: SchemaNode } {
  let node = rootSchema;
  for (const [depth, name] of path.entries()) {
    const fields = fieldsOf(node);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field === undefined) throw new Error(unknown(path.slice(0, depth), name, Object.keys(fields)));
    node = field;
  }
  return path.length === 0 ? { node } : { name: path.join('.'), node };
}

function unknown(parent: readonly string[], name: string, siblings: readonly string[]): string {
  const place = parent.length === 0 ? `a ${kind}` : parent.join('.');
  return `there is no field ${name} in ${place}${hintForUnknown(name, siblings)}`;
}

function fieldText(name: string, node: SchemaNode, parent: SchemaNode): string[] {
  const required = requiredIn(parent).includes(name) ? '  -required-' : '';
  return [
    `  ${name} <${typeText(node)}>${required}`,
    ...wrapped(node.description ?? '', '    '),
    ...facts(node, '    '),
    '',
  ];
}

function requiredIn(node: SchemaNode): readonly string[] {
  return node.required ?? (node.items === undefined ? [] : requiredIn(node.items));
}

/** What is left to tell of a field: the values it may have. */
function facts(node: SchemaNode, indent: string): string[] {
  const lines = [
    ...(node.enum === undefined ? [] : [`one of: ${node.enum.join(', ')}`]),
    ...rangeText(node),
    ...defaultText(node),
  ];
  return lines.flatMap((line) => wrapped(line, indent));
}

/** That of a list or an object is always an empty one, or told field by field. */
function defaultText({ default: preset }: SchemaNode): string[] {
  if (typeof preset === 'string') return [`default: ${preset === '' ? '""' : preset}`];
  return typeof preset === 'number' || typeof preset === 'boolean' ? [`default: ${preset}`] : [];
}

/** Of a quantity the description tells it, in the unit of the quantity. */
function rangeText({ minimum, maximum, format }: SchemaNode): string[] {
  if (minimum === undefined || format !== undefined) return [];
  return [
    maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
      ? `at least ${minimum}`
      : `from ${minimum} to ${maximum}`,
  ];
}

function typeText(node: SchemaNode): string {
  const { items, additionalProperties, format = '' } = node;
  if (items !== undefined) return `[]${typeText(items)}`;
  if (additionalProperties) return `map[string]${typeText(additionalProperties)}`;
  if (/^(memory|cpu)-(limit|quantity)$/.test(format)) return 'quantity';
  return typesOf(node)[0] ?? 'any';
}

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > lineWidth) lines.push(indent + word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return text === '' ? [] : lines;
}
