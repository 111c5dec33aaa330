import type { EventObject, ObjectList } from '../api/wire.ts';
import { age } from './age.ts';
import { parse } from './arguments.ts';
import { usageError } from './cli-error.ts';
import type { Client } from './client.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { containerNames } from './names.ts';
import type { OutputFormat } from './output.ts';
import { listOf, outputFlag, outputFormat, print, remark, serialized } from './output.ts';
import type { Column } from './table.ts';
import { coloured, table, tableLines, titleLine } from './table.ts';

export const help = `Show what happened: to containers, to files of specs, to sources and to hob itself.

Usage:
  hob events [NAME] [flags]

Examples:
  hob events               # everything, the newest last
  hob events web -w        # what happened to one container, and whatever does
  hob events -n shop       # what is about one namespace

Flags:
  -n, --namespace NAME  only this namespace (with NAME: default "default")
  -w, --watch           go on with what happens
  -o, --output FORMAT   json, yaml or name
      --run-dir DIR     where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

const columns: readonly Column<EventObject>[] = [
  { title: 'LAST SEEN', cell: lastSeen },
  { title: 'TYPE', cell: ({ type }) => (type === 'Warning' ? coloured('yellow', type) : type) },
  { title: 'REASON', cell: ({ reason }) => reason },
  { title: 'OBJECT', cell: ({ involvedObject }) => objectName(involvedObject) },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

/** `container/web`, `file:/etc/hob/containers/web.yaml` */
function objectName({ kind, name }: EventObject['involvedObject']): string {
  return `${kind.toLowerCase()}${name.startsWith('/') ? ':' : '/'}${name}`;
}

/** `5s`, or for one that repeats `5s (x3 over 2m)`. */
function lastSeen({ lastTimestamp, firstTimestamp, count }: EventObject): string {
  const last = age(lastTimestamp);
  return count > 1 ? `${last} (x${count} over ${age(firstTimestamp)})` : last;
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('events', args, {
    ...outputFlag,
    namespace: { type: 'string', short: 'n' },
    // Taken for the sake of habit: without a namespace it is all of them anyway.
    'all-namespaces': { type: 'boolean', short: 'A' },
    watch: { type: 'boolean', short: 'w', default: false },
  });
  const [name, ...more] = containerNames('events', positionals);
  if (more.length > 0) throw usageError('events', 'one container at a time');
  const namespace = values.namespace ?? (name === undefined ? undefined : 'default');
  const client = connectTo(socketPath(values));
  const path = eventsPath(namespace, name);
  const format = outputFormat('events', values.output);
  return values.watch ? follow(client, path, format) : show(client, path, format);
}

/** Where the events of everything, of a namespace or of one container are in the API. */
export function eventsPath(namespace: string | undefined, name: string | undefined): string {
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${scope}/events${name === undefined ? '' : `?name=${encodeURIComponent(name)}`}`;
}

/** Titles and rows, or the words that there are none. */
export function eventTable(events: readonly EventObject[]): string[] {
  return events.length === 0 ? ['<none>'] : table(columns, events);
}

async function show(client: Client, path: string, format: OutputFormat | undefined): Promise<number> {
  const { items } = await client.json<ObjectList<EventObject>>('GET', path);
  if (format === 'json' || format === 'yaml') process.stdout.write(await serialized(listOf(items), format));
  else if (format === 'name') for (const { metadata } of items) print(`event/${metadata.name}`);
  else if (items.length === 0) remark('No events found.');
  else for (const line of eventTable(items)) print(line);
  return 0;
}

async function follow(client: Client, path: string, format: OutputFormat | undefined): Promise<number> {
  const { sayLost, watch } = await import('./watch.ts');
  const url = `${path}${path.includes('?') ? '&' : '?'}watch=1`;
  const widths: number[] = [];
  let isFirst = true;
  for await (const { present } of watch<EventObject>(
    client,
    url,
    ({ metadata }) => metadata.resourceVersion,
    sayLost,
  )) {
    if (format === 'json' || format === 'yaml') {
      for (const event of present) process.stdout.write(await serialized(event, format));
      continue;
    }
    const lines = tableLines(columns, present, widths);
    if (isFirst) print(titleLine(columns, widths));
    isFirst = false;
    for (const line of lines) print(line);
  }
  return 0;
}
