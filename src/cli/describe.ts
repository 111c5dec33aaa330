import type { Container, ContainerStatus } from '../api/container.ts';
import type { EventObject, ObjectList } from '../api/wire.ts';
import { age, milliseconds } from './age.ts';
import { namespaceFlag, parse } from './arguments.ts';
import type { Client } from './client.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { eventsPath, eventTable } from './events.ts';
import { type Fact, factLine, given, indented, section } from './facts.ts';
import { explainMissing } from './mistakes.ts';
import { containerNames, containersPath } from './names.ts';
import { print, serialized } from './output.ts';
import type { Column } from './table.ts';

export const help = `Show all that is known of containers: status, conditions, hooks, spec and events.

Usage:
  hob describe [NAME...] [flags]

Examples:
  hob describe web         # one of them
  hob describe -n shop     # all of a namespace

Flags:
  -n, --namespace NAME  the namespace (default "default")
      --run-dir DIR     where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('describe', args, namespaceFlag);
  const client = connectTo(socketPath(values));
  const names = containerNames('describe', positionals);
  const containers =
    names.length > 0 ? await byName(client, values.namespace, names) : await all(client, values.namespace);
  for (const [index, container] of containers.entries()) {
    if (index > 0) print('\n');
    print(await description(client, container));
  }
  return 0;
}

async function all(client: Client, namespace: string): Promise<readonly Container[]> {
  return (await client.json<ObjectList<Container>>('GET', containersPath(namespace))).items;
}

async function byName(client: Client, namespace: string, names: readonly string[]): Promise<Container[]> {
  const containers: Container[] = [];
  for (const name of names) {
    try {
      containers.push(await client.json<Container>('GET', containersPath(namespace, name)));
    } catch (error) {
      await explainMissing(client, name, error);
      throw error;
    }
  }
  return containers;
}

async function description(client: Client, container: Container): Promise<string> {
  const { metadata, status = {}, spec } = container;
  const { items } = await client.json<ObjectList<EventObject>>('GET', eventsPath(metadata.namespace, metadata.name));
  const facts = [...identity(container), ...observed(status), ...lastTermination(status)];
  return [
    ...facts.map(factLine),
    ...section('Conditions', status.conditions ?? [], conditionColumns),
    ...section('Hooks', hookTimeline(status), hookColumns),
    'Spec:',
    ...indented((await serialized(spec, 'yaml')).trimEnd().split('\n')),
    'Events:',
    ...indented(eventTable(items.filter(({ involvedObject }) => involvedObject.kind === 'Container'))),
  ].join('\n');
}

function identity({ metadata }: Container): Fact[] {
  return [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace],
    ['Labels', pairs(metadata.labels)],
    ['Annotations', pairs(metadata.annotations)],
    ['Created', moment(metadata.creationTimestamp)],
    ['Generation', metadata.generation],
  ];
}

function pairs(map: Readonly<Record<string, string>> = {}): string | undefined {
  return (
    Object.entries(map)
      .map(([name, value]) => `${name}=${value}`)
      .join('\n') || undefined
  );
}

/** `2026-11-23T19:04:11Z (5m ago)` */
function moment(time: string | undefined): string | undefined {
  return time === undefined ? undefined : `${time} (${age(time)} ago)`;
}

function observed(status: ContainerStatus): Fact[] {
  return [
    ['Observed', status.observedGeneration],
    ['Phase', status.phase],
    ['Instance', status.instanceID],
    ...given([['PID', status.pid], ['Started', moment(status.startedAt)], ...ending(status)]),
    ['Restarts', status.restartCount ?? 0],
    ...given([['Next Restart', status.nextRestartAt]]),
  ];
}

type Ending = Pick<ContainerStatus, 'finishedAt' | 'exitCode' | 'signal' | 'oomKilled'>;

function ending({ finishedAt, exitCode, signal, oomKilled }: Ending): Fact[] {
  return given([
    ['Finished', moment(finishedAt)],
    ['Exit Code', exitCode],
    ['Signal', signal],
    ['OOM Killed', oomKilled === true ? 'yes, it used more memory than it may' : undefined],
  ]);
}

function lastTermination({ lastTermination }: ContainerStatus): Fact[] {
  if (!lastTermination) return [];
  const { instanceID, reason, message, startedAt } = lastTermination;
  const facts = given([
    ['Instance', instanceID],
    ['Reason', reason],
    ['Message', message],
    ['Started', moment(startedAt)],
    ...ending(lastTermination),
  ]);
  return [['Last Termination', ''], ...facts.map(([name, value]): Fact => [`  ${name}`, value])];
}

type Condition = NonNullable<ContainerStatus['conditions']>[number];

const conditionColumns: readonly Column<Condition>[] = [
  { title: 'TYPE', cell: ({ type }) => type },
  { title: 'STATUS', cell: ({ status }) => status },
  { title: 'SINCE', cell: ({ lastTransitionTime }) => age(lastTransitionTime) },
  { title: 'REASON', cell: ({ reason }) => reason },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

type HookRun = NonNullable<NonNullable<ContainerStatus['hooks']>['preStart']>[number] & { readonly point: string };

const hookColumns: readonly Column<HookRun>[] = [
  { title: 'STARTED', cell: ({ startedAt }) => startedAt },
  { title: 'POINT', cell: ({ point }) => point },
  { title: 'PLUGIN', cell: ({ plugin }) => plugin },
  { title: 'OUTCOME', cell: ({ outcome }) => outcome },
  { title: 'TOOK', cell: ({ durationMs }) => milliseconds(durationMs) },
  { title: 'ATTEMPT', cell: ({ attempt }) => String(attempt) },
  { title: 'MESSAGE', cell: ({ reason, message }) => [reason, message].filter(Boolean).join(': ') },
];

/** One after the other, whatever their points: what came first is above. */
function hookTimeline({ hooks = {} }: ContainerStatus): HookRun[] {
  const runs = Object.entries(hooks).flatMap(([point, calls]) => calls.map((call) => ({ ...call, point })));
  return runs.toSorted((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt));
}
