import type { Container } from '../api/container.ts';
import { key } from '../api/container.ts';
import type { ObjectList } from '../api/wire.ts';
import { wordsOf } from '../host/errors.ts';
import { namespaceFlag, parse } from './arguments.ts';
import { usageError } from './cli-error.ts';
import { connectTo } from './client.ts';
import { containerColumns } from './container-columns.ts';
import { socketPath } from './directories.ts';
import type { Question } from './get-question.ts';
import { explainMissing, warnOfMistakesIn, warnOfSources } from './mistakes.ts';
import { containerNames, containersPath } from './names.ts';
import { listOf, outputFlag, outputFormat, print, remark, serialized } from './output.ts';
import { table } from './table.ts';

export const help = `Show containers: all of a namespace, or the named ones.

Usage:
  hob get [NAME...] [flags]
  hob get events|plugins|sources [flags]

Examples:
  hob get                          # all containers of the namespace "default"
  hob get -A -o wide               # of all namespaces, with pid, exit code, instance and reason
  hob get web -o yaml              # one of them, whole
  hob get -l app=web,tier!=db -w   # those with these labels, and whatever changes

Flags:
  -n, --namespace NAME   the namespace (default "default")
  -A, --all-namespaces   all namespaces
  -l, --selector LABELS  only those with these labels: a=b, a!=b, a in (b,c), a notin (b), a, !a
  -o, --output FORMAT    wide, json, yaml or name
  -w, --watch            go on with what changes
      --no-headers       no line with titles
      --run-dir DIR      where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

const flags = {
  ...namespaceFlag,
  ...outputFlag,
  'all-namespaces': { type: 'boolean', short: 'A', default: false },
  selector: { type: 'string', short: 'l' },
  watch: { type: 'boolean', short: 'w', default: false },
  'no-headers': { type: 'boolean', default: false },
} as const;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('get', args, flags);
  const [what = ''] = positionals;
  if (/^(events?|ev)$/.test(what)) return (await import('./events.ts')).run(without(args, what));
  if (/^plugins?$/.test(what)) return (await import('./plugins.ts')).run(without(args, what));
  if (/^sources?$/.test(what)) return (await import('./sources.ts')).run(without(args, what));
  const names = containerNames('get', positionals);
  if (names.length > 0 && values['all-namespaces']) throw usageError('get', 'a name needs a namespace: leave -A away');
  const format = outputFormat('get', values.output);
  const question: Question = {
    client: connectTo(socketPath(values)),
    namespace: values['all-namespaces'] ? undefined : values.namespace,
    names,
    selector: values.selector,
    format,
    columns: containerColumns({ namespaces: values['all-namespaces'], wide: format === 'wide' }),
    titles: !values['no-headers'],
  };
  if (!values.watch) return show(question);
  const { follow } = await import('./get-watch.ts');
  return follow(question);
}

function without(args: string[], word: string): string[] {
  const index = args.indexOf(word);
  return args.filter((_, at) => at !== index);
}

async function show(question: Question): Promise<number> {
  const { client, names, format } = question;
  const { found, failed } = names.length > 0 ? await byName(question) : { found: await all(question), failed: false };
  if (format === 'json' || format === 'yaml') {
    const [only] = found;
    const isOne = names.length === 1 && only !== undefined;
    if (!failed || found.length > 0) process.stdout.write(await serialized(isOne ? only : listOf(found), format));
  } else if (format === 'name') {
    for (const { metadata } of found) print(`container.hob.dev/${metadata.name}`);
  } else {
    showTable(question, found, failed);
    await (names.length === 0 ? warnOfSources(client) : warnOfMistakesIn(client, names));
  }
  return failed ? 1 : 0;
}

function showTable({ columns, namespace, titles }: Question, found: readonly Container[], failed: boolean): void {
  if (found.length === 0) {
    if (!failed)
      remark(namespace === undefined ? 'No resources found' : `No resources found in ${namespace} namespace.`);
    return;
  }
  for (const line of table(columns, found).slice(titles ? 0 : 1)) print(line);
}

async function all({ client, namespace, selector }: Question): Promise<Container[]> {
  const query = selector === undefined ? '' : `?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await client.json<ObjectList<Container>>('GET', containersPath(namespace) + query);
  return items.toSorted((one, other) => (key(one.metadata) < key(other.metadata) ? -1 : 1));
}

/** The named ones, in the order asked for; what isn't there is told, and the others are shown all the same. */
async function byName({ client, namespace, names }: Question): Promise<{ found: Container[]; failed: boolean }> {
  const found: Container[] = [];
  let failed = false;
  for (const name of names) {
    try {
      found.push(await client.json<Container>('GET', containersPath(namespace, name)));
    } catch (error) {
      if (names.length === 1) {
        await explainMissing(client, name, error);
        throw error;
      }
      failed = true;
      remark(wordsOf(error));
    }
  }
  return { found, failed };
}
