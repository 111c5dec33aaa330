import { isAlias, isMap, isSeq, type ParsedNode } from 'yaml';
import type { Finding, Path } from '../finding.ts';
import { fieldName } from './check-nodes.ts';
import type { YamlDocument } from './yaml-document.ts';

type Node = ParsedNode | null;
/** A thing in a document: its name, unless it is an item of a list or the document itself, and its value. */
type Place = { readonly key?: Node; readonly value: Node };

/** Where in the text a finding points to, in characters from its beginning. */
export function locate(yaml: YamlDocument, { path, at }: Pick<Finding, 'path' | 'at'>): number {
  const { key, value } = find(yaml, at === 'parent' ? path.slice(0, -1) : path);
  const target = at === 'value' ? (value ?? key) : (key ?? value);
  return target?.range[0] ?? yaml.range[0];
}

/** The place at a path, or the last one on the way that is there. */
function find(yaml: YamlDocument, path: Path): Place {
  let place: Place = { value: yaml.contents };
  for (const segment of path) {
    const next = step(resolve(yaml, place.value), segment);
    if (next === undefined) break;
    place = next;
  }
  return place;
}

function resolve(yaml: YamlDocument, node: Node): unknown {
  return isAlias(node) ? node.resolve(yaml) : node;
}

function step(node: unknown, segment: string | number): Place | undefined {
  if (isSeq<ParsedNode>(node))
    return typeof segment === 'number' && segment in node.items ? { value: node.items[segment] ?? null } : undefined;
  if (!isMap<ParsedNode, Node>(node)) return undefined;
  // Of a field that is there twice, the last counts.
  return node.items.findLast(({ key }) => fieldName(key) === segment);
}
