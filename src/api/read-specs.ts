import { key, type Container } from './container.ts';
import { declaredObjects, type DeclaredObject } from './declared-objects.ts';
import { isObject, overlap, type Fields, type Finding, type Path } from './finding.ts';
import { readDocuments, type SpecDocument } from './text/documents.ts';
import { locate } from './text/locate.ts';
import type { Fault } from './text/yaml-document.ts';
import { validateContainer } from './validate.ts';

/** Something wrong in a text of specs, and the container it is in when that is known. */
export interface SpecFault extends Fault {
  readonly name?: string;
  readonly namespace?: string;
}

/** What became of one object of a document: a container, or what is wrong with it. */
interface Read {
  readonly faults: readonly SpecFault[];
  readonly container?: Container;
  /** Where its name stands. */
  readonly offset?: number;
}

/** All containers that a text declares, and all that is wrong with it. */
export function readSpecs(text: string): { containers: Container[]; faults: SpecFault[] } {
  const { documents, fault } = readDocuments(text);
  if (fault !== undefined) return { containers: [], faults: [fault] };
  const filled = documents.filter(({ value, faults }) => (value ?? null) !== null || faults.length > 0);
  const empty = { offset: 0, path: [], message: 'the file is empty: it declares nothing' };
  if (filled.length === 0) return { containers: [], faults: [empty] };
  const reads = eachNameOnce(filled.flatMap(readDocument));
  return {
    containers: reads.flatMap(({ container }) => container ?? []),
    faults: reads.flatMap(({ faults }) => faults),
  };
}

function readDocument(document: SpecDocument): Read[] {
  const { objects, findings } =
    (document.value ?? null) === null ? { objects: [], findings: [] } : declaredObjects(document.value);
  const elsewhere = document.faults.filter(({ path }) => !objects.some((object) => overlap(path, object.path)));
  const rest = [...elsewhere, ...findings.map((finding) => toFault(document, [], finding))];
  return [...objects.map((object) => readObject(document, object)), { faults: rest }];
}

function readObject(document: SpecDocument, { value, path }: DeclaredObject): Read {
  const inText = document.faults.filter((fault) => overlap(fault.path, path));
  const { container, findings = [] } = validateContainer(value);
  const inMeaning = findings.map((finding) => toFault(document, path, finding));
  const faults = [...inText, ...inMeaning.filter((fault) => !inText.some((other) => samePath(fault, other)))];
  if (faults.length > 0 || container === undefined)
    return { faults: faults.map((fault) => ({ ...fault, ...nameOf(value) })) };
  return { faults, container, offset: locate(document.yaml, { path: [...path, 'metadata', 'name'], at: 'value' }) };
}

/** What is wrong in the text explains what is wrong with its meaning. */
function samePath(one: Fault, other: Fault): boolean {
  return one.path.length === other.path.length && overlap(one.path, other.path);
}

function toFault({ yaml }: SpecDocument, prefix: Path, { path, at, message }: Finding): Fault {
  const full = [...prefix, ...path];
  return { offset: locate(yaml, { path: full, at }), path: full, message };
}

/** As much of its identity as can be made out, for people to know which container is meant. */
function nameOf({ metadata }: Fields): Pick<SpecFault, 'name' | 'namespace'> {
  if (!isObject(metadata) || typeof metadata['name'] !== 'string') return {};
  const { name, namespace = 'default' } = metadata;
  return { name, ...(typeof namespace === 'string' && { namespace }) };
}

/** Of two containers with one name, the first in the text keeps it. */
function eachNameOnce(reads: readonly Read[]): Read[] {
  const taken = new Set<string>();
  return reads.map((read) => {
    const name = read.container && key(read.container.metadata);
    if (name === undefined || !taken.has(name)) return (taken.add(name ?? ''), read);
    const message = `container ${name} is declared already, further up in this file`;
    return {
      faults: [{ offset: read.offset ?? 0, path: ['metadata', 'name'], message, ...nameOf(read.container ?? {}) }],
    };
  });
}
