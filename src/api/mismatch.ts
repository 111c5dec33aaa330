import { isObject } from './finding.ts';
import { didYouMean, formats, type Expected } from './formats.ts';
import type { SchemaNode } from './known-fields.ts';
import { nearest } from './nearest.ts';

/** What a value should have been, leaving aside what is inside it; undefined when it is that. */
export function mismatch(value: unknown, node: SchemaNode): Expected | undefined {
  return (
    wrongType(value, node) ??
    notOneOf(value, node) ??
    badFormat(value, node) ??
    outOfRange(value, node) ??
    wrongLength(value, node)
  );
}

const typeWords: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  integer: 'a whole number',
  number: 'a number',
  object: 'an object',
  string: 'a string',
};

function wrongType(value: unknown, node: SchemaNode): Expected | undefined {
  const types = typesOf(node);
  if (types.length === 0 || types.some((type) => isOfType(value, type))) return undefined;
  return { words: types.map((type) => typeWords[type] ?? type).join(' or '), hint: quotesHint(value, types) };
}

/** The JSON types a field may have; none when any will do. */
export function typesOf({ type }: SchemaNode): readonly string[] {
  if (type === undefined) return [];
  return typeof type === 'string' ? [type] : type;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'array') return Array.isArray(value);
  return type === 'object' ? isObject(value) : typeof value === type;
}

function quotesHint(value: unknown, types: readonly string[]): string {
  if (types.includes('string') && (typeof value === 'number' || typeof value === 'boolean'))
    return '; put it in quotes';
  if (typeof value !== 'string') return '';
  const number = types.includes('integer') && /^-?\d{1,15}$/.test(value);
  const truth = types.includes('boolean') && /^(true|false)$/.test(value);
  return number || truth ? '; take the quotes away' : '';
}

function notOneOf(value: unknown, { enum: choices }: SchemaNode): Expected | undefined {
  if (choices === undefined || choices.includes(value)) return undefined;
  const names = choices.map(String);
  const words = names.length === 1 ? String(names[0]) : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
  return names.length === 1 ? { words } : { words, hint: didYouMean(nearest(String(value), names)) };
}

function badFormat(value: unknown, { format }: SchemaNode): Expected | undefined {
  if (format === undefined || (typeof value !== 'string' && typeof value !== 'number')) return undefined;
  return formats[format]?.(value);
}

function outOfRange(value: unknown, { minimum = -Infinity, maximum = Infinity }: SchemaNode): Expected | undefined {
  if (typeof value !== 'number' || (value >= minimum && value <= maximum)) return undefined;
  if (maximum >= Number.MAX_SAFE_INTEGER) return { words: `a number of at least ${minimum}` };
  return { words: `a number from ${minimum} to ${maximum}` };
}

function wrongLength(value: unknown, { minLength = 0, maxLength = Infinity }: SchemaNode): Expected | undefined {
  if (typeof value !== 'string' || (value.length >= minLength && value.length <= maxLength)) return undefined;
  if (value.length < minLength) return { words: 'a string that is not empty' };
  return { words: `at most ${maxLength} characters`, hint: ` (${value.length} characters)` };
}
