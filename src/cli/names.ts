import { usageError } from './cli-error.ts';

const kindWords = ['container', 'containers', 'container.hob.dev', 'containers.hob.dev'];

/** The names of containers on a command line: `NAME`, `container/NAME`, or kubectl's `container NAME...`. */
export function containerNames(verb: string, words: readonly string[]): string[] {
  const [first = '', ...rest] = words;
  return (kindWords.includes(first) ? rest : words).map((word) => containerName(verb, word));
}

/** The one name that the verb is about. @throws CliError when there is none, or more */
export function oneContainerName(verb: string, words: readonly string[]): string {
  const [name, ...more] = containerNames(verb, words);
  if (name === undefined) throw usageError(verb, 'the name of a container is missing');
  if (more.length > 0) throw usageError(verb, `one container at a time: ${[name, ...more].join(' ')}`);
  return name;
}

function containerName(verb: string, word: string): string {
  const [, kind, name] = /^(?:([^/]*)\/)?([^/]*)$/.exec(word) ?? [];
  const isKnownKind = kind === undefined || kindWords.includes(kind);
  // Also keeps "." and ".." out of the paths of the API.
  if (isKnownKind && name && /^[A-Za-z0-9]/.test(name)) return name;
  throw usageError(verb, `${JSON.stringify(word)} is no name of a container (NAME or container/NAME)`);
}

/** Where a container, or those of a namespace, or all, are in the API. */
export function containersPath(namespace: string | undefined, name?: string): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${scope}/containers${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
