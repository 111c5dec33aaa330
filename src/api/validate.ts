import { checkMeaning } from './checks.ts';
import type { Container } from './container.ts';
import { isObject, type Finding } from './finding.ts';
import { rootSchema } from './known-fields.ts';
import { observedMetadata } from './schema.ts';
import { checkShape } from './shape.ts';

/** What became of a check: the container with its defaults filled in, or everything that is wrong with it. */
export type Validation =
  | { readonly container: Container; readonly findings?: undefined }
  | { readonly container?: undefined; readonly findings: readonly Finding[] };

/** Check what claims to be a Container: its shape against the schema, and its meaning. Never throws; `input` is left as it is. */
export function validateContainer(input: unknown): Validation {
  const findings: Finding[] = [];
  const value = checkShape(withoutObserved(input), rootSchema, [], (finding) => findings.push(finding));
  // Only a check none of whose fields has a finding looks at the value, so it sees what the type says.
  const container = value as Container;
  findings.push(...checkMeaning(container, findings));
  return findings.length === 0 ? { container } : { findings };
}

function withoutObserved(input: unknown): unknown {
  if (!isObject(input)) return input;
  const { status: _, ...declared } = input;
  if (!isObject(declared['metadata'])) return declared;
  const metadata = Object.entries(declared['metadata']).filter(([name]) => !observedMetadata.includes(name));
  return { ...declared, metadata: Object.fromEntries(metadata) };
}
