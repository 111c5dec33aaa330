import { containerID, type ContainerMetadata } from '../container.ts';
import { quoted, type Finding, type Path } from '../finding.ts';
import { formats } from '../formats.ts';
import { wrong, type Rule } from './rule.ts';

/** What crun, the journal and Dobby's plugins can take as an id. */
const longestID = 128;

export const identityRules: readonly Rule[] = [
  { reads: ['metadata.name', 'metadata.namespace'], find: ({ metadata }) => longID(metadata) },
  { reads: ['metadata.labels'], find: ({ metadata }) => labelKeys(metadata.labels, ['metadata', 'labels']) },
  { reads: ['spec.nodeSelector'], find: ({ spec }) => labelKeys(spec.nodeSelector, ['spec', 'nodeSelector']) },
];

function longID(metadata: ContainerMetadata): Finding[] {
  const { length } = containerID(metadata);
  if (length <= longestID) return [];
  return [
    wrong(['metadata', 'name'], `together with the namespace it has ${length} characters, more than ${longestID}`),
  ];
}

function labelKeys(labels: object = {}, path: Path): Finding[] {
  return Object.keys(labels).flatMap((key) => labelKey(key, path));
}

/** `name` or `prefix/name`, as Kubernetes has it. */
function labelKey(key: string, path: Path): Finding[] {
  const [name = '', prefix, ...more] = key.split('/').reverse();
  const good = more.length === 0 && name !== '' && isName(name) && (prefix === undefined || isPrefix(prefix));
  if (good) return [];
  const message = `expected a name such as app or example.org/app, found ${quoted(key)}`;
  return [{ path: [...path, key], at: 'key', message }];
}

const isName = (text: string): boolean => formats['label-value']?.(text) === undefined;
const isPrefix = (text: string): boolean => text.length <= 253 && formats['dns-subdomain']?.(text) === undefined;
