import { described, isObject, type Fields, type Finding, type Path } from './finding.ts';
import { didYouMean } from './formats.ts';
import { nearest } from './nearest.ts';
import { apiVersion, kind } from './schema.ts';

/** Something that claims to be a Container, and the way to it in its document. */
export interface DeclaredObject {
  readonly value: Fields;
  readonly path: Path;
}

/** The Containers that a document declares: itself, or the items of a List. */
export function declaredObjects(document: unknown): { objects: DeclaredObject[]; findings: Finding[] } {
  const found = isList(document) ? listItems(document.items) : [declaredObject(document, [])];
  return { objects: found.filter((one) => 'value' in one), findings: found.filter((one) => 'message' in one) };
}

type List = { readonly items: unknown };

/** What `kubectl get -o yaml` and `hob get -o yaml` write for several objects. */
function isList(document: unknown): document is List {
  return (
    isObject(document) && (document['kind'] === 'List' || document['kind'] === `${kind}List`) && 'items' in document
  );
}

function listItems(items: unknown): (DeclaredObject | Finding)[] {
  if (Array.isArray(items)) return items.map((item: unknown, index) => declaredObject(item, ['items', index]));
  return [{ path: ['items'], at: 'value', message: `expected a list, found ${described(items, true)}` }];
}

function declaredObject(value: unknown, path: Path): DeclaredObject | Finding {
  if (!isObject(value)) {
    const expected = `expected a ${kind}: an object with apiVersion ${apiVersion}, kind, metadata and spec`;
    return { path, at: 'value', message: `${expected}; found ${described(value, true)}` };
  }
  const { kind: found } = value;
  if (!['apiVersion', 'kind', 'metadata', 'spec'].some((field) => field in value))
    return {
      path,
      at: 'value',
      message: `this is no ${kind} (of ${apiVersion}): it has no kind, no metadata and no spec`,
    };
  if (found === undefined || found === kind) return { value, path };
  const hint = typeof found === 'string' ? didYouMean(nearest(found, [kind])) : '';
  const message = `expected ${kind} (of ${apiVersion}), the only kind there is, found ${described(found, false)}${hint}`;
  return { path: [...path, 'kind'], at: 'value', message };
}
