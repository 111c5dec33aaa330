import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type ParsedNode,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { Path } from '../finding.ts';
import type { Fault, YamlDocument } from './yaml-document.ts';

type Node = ParsedNode | null;

/** What is known on the way through a document. */
interface Walk {
  report(fault: Fault): void;
  /** The anchors that are complete: an alias to one that it is inside of would have no end. */
  readonly anchors: Set<string>;
}

/**
 * What YAML allows and a spec should not say: fields that are there twice, merge keys, numbers that are read in
 * different ways, aliases to nothing or to themselves.
 */
export function checkNodes({ contents }: YamlDocument): Fault[] {
  const faults: Fault[] = [];
  check(contents, [], { report: (fault) => faults.push(fault), anchors: new Set() });
  return faults;
}

function check(node: Node, path: Path, walk: Walk): void {
  if (isAlias(node)) return checkAlias(node, path, walk);
  const anchor = node?.anchor;
  if (anchor !== undefined) walk.anchors.delete(anchor);
  if (isMap(node)) checkMap(node, path, walk);
  else if (isSeq(node)) checkList(node, path, walk);
  else if (isScalar(node)) checkNumber(node, path, walk);
  if (anchor !== undefined) walk.anchors.add(anchor);
}

function checkAlias({ source, range }: Alias.Parsed, path: Path, { anchors, report }: Walk): void {
  if (!anchors.has(source))
    report({ offset: range[0], path, message: 'there is no anchor (&) above for this alias (*)' });
}

function checkList({ items }: YAMLSeq.Parsed, path: Path, walk: Walk): void {
  items.forEach((item, index) => check(item, [...path, index], walk));
}

function checkMap({ items }: YAMLMap.Parsed, path: Path, walk: Walk): void {
  const seen = new Set<string>();
  for (const { key, value } of items) {
    const name = fieldName(key);
    const message = name === undefined ? 'the name of a field must be a string' : badName(name, key, seen);
    const field = [...path, name ?? '?'];
    if (message !== undefined) walk.report({ offset: key.range[0], path: field, message });
    if (key.anchor !== undefined) walk.anchors.add(key.anchor);
    check(value, field, walk);
  }
}

/** The name as it is in the object that is made from a map; undefined for what is not a name. */
export function fieldName(key: Node): string | undefined {
  const name: unknown = isScalar(key) ? key.value : undefined;
  const isName = typeof name === 'string' || typeof name === 'number' || typeof name === 'boolean';
  return isName ? String(name) : undefined;
}

function badName(name: string, key: ParsedNode, seen: Set<string>): string | undefined {
  if (seen.has(name)) return 'this field is there already, further up';
  seen.add(name);
  const isMerge = name === '<<' && isScalar(key) && key.type === 'PLAIN';
  return isMerge ? 'merge keys (<<) are not supported; write the fields out' : undefined;
}

function checkNumber({ value, source, range }: Scalar.Parsed, path: Path, { report }: Walk): void {
  if (typeof value !== 'number' || source === undefined) return;
  const message = badNumber(value, source);
  if (message !== undefined) report({ offset: range[0], path, message });
}

/** The number itself is not told: it may be a password without its quotes. */
function badNumber(value: number, source: string): string | undefined {
  const inQuotes = 'if it is a string, put it in quotes';
  if (/^[-+]?0[0-9]/.test(source))
    return `a number with a leading 0 is read in different ways; ${inQuotes}, else leave out the 0`;
  if (!Number.isFinite(value)) return `this is not a number that can be used; ${inQuotes}`;
  const tooLarge = Number.isInteger(value) && !Number.isSafeInteger(value);
  return tooLarge ? `this is too large for a number; ${inQuotes}` : undefined;
}
