import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../api/container.ts';
import { key } from '../api/container.ts';
import { containerSchema } from '../api/schema.ts';
import { duration, parseDuration } from './age.ts';
import { namespaceFlag, parse } from './arguments.ts';
import { suggestion, usageError } from './cli-error.ts';
import type { Client } from './client.ts';
import { connectTo } from './client.ts';
import { condition } from './container-columns.ts';
import { socketPath } from './directories.ts';
import { currentMistakes, printMistakes } from './mistakes.ts';
import { containerNames, containersPath } from './names.ts';
import { print, remark } from './output.ts';
import { sayLost, watch } from './watch.ts';

export const help = `Wait until containers are as they should be. One that isn't there yet is waited for.

Usage:
  hob wait NAME... --for=WHAT [--timeout 30s] [flags]

Examples:
  hob wait web --for=condition=Ready
  hob wait web --for=condition=Stalled=False --timeout 2m
  hob wait job --for=phase=Completed
  hob wait web --for=delete

Flags:
      --for WHAT        condition=TYPE (is True), condition=TYPE=STATUS, phase=PHASE or delete
      --timeout TIME    how long at most: 30s, 2m, 1h (default 30s)
  -n, --namespace NAME  the namespace (default "default")
      --run-dir DIR     where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

/** What is waited for. */
interface Goal {
  /** As it was asked for. */
  readonly text: string;
  /** As kubectl reports it. */
  readonly met: string;
  readonly isMet: (container: Container | undefined) => boolean;
  /** The condition that tells most about why it isn't met. */
  readonly conditionType?: string;
}

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('wait', args, {
    ...namespaceFlag,
    for: { type: 'string' },
    timeout: { type: 'string', default: '30s' },
  });
  const names = containerNames('wait', positionals);
  if (names.length === 0) throw usageError('wait', 'the name of a container is missing');
  const goal = parseGoal(values.for);
  const limit = parseDuration(values.timeout);
  if (limit === undefined)
    throw usageError('wait', `--timeout takes a time such as 30s, 2m or 1h, not "${values.timeout}"`);
  const client = connectTo(socketPath(values));
  const wait: Wait = { client, namespace: values.namespace, goal, waiting: new Set(names), present: new Map() };
  const isLate = await Promise.race([untilAllMet(wait), delay(limit, true)]);
  if (isLate) await tellWhatIsMissing(wait, limit);
  return isLate ? 1 : 0;
}

interface Wait {
  readonly client: Client;
  readonly namespace: string;
  readonly goal: Goal;
  /** Those that are not as they should be. */
  readonly waiting: Set<string>;
  /** Those that are there, by name. */
  readonly present: Map<string, Container>;
}

/** Resolves with false, for not late. */
async function untilAllMet({ client, namespace, goal, waiting, present }: Wait): Promise<false> {
  const path = `${containersPath(namespace)}?watch=1`;
  for await (const news of watch<Container>(client, path, ({ metadata }) => key(metadata), sayLost)) {
    for (const container of news.gone) present.delete(container.metadata.name);
    for (const container of news.present) present.set(container.metadata.name, container);
    for (const name of waiting) {
      if (!goal.isMet(present.get(name))) continue;
      print(`container.hob.dev/${name} ${goal.met}`);
      waiting.delete(name);
    }
    if (waiting.size === 0) break;
  }
  return false;
}

async function tellWhatIsMissing({ client, goal, waiting, present }: Wait, limit: number): Promise<void> {
  for (const name of waiting)
    remark(`error: timed out after ${duration(limit)}: ${whyUnmet(name, goal, present.get(name))}`);
  const absent = [...waiting].filter((name) => !present.has(name));
  const mistakes = await currentMistakes(client).catch(() => []);
  await printMistakes(mistakes.filter(({ name }) => name !== undefined && absent.includes(name)));
}

/** What the container is like instead of what it should be. */
function whyUnmet(name: string, { text, conditionType }: Goal, container: Container | undefined): string {
  if (!container) return `containers "${name}" not found (waited for ${text})`;
  const phase = container.status?.phase ?? 'Pending';
  const found = condition(container, conditionType ?? 'Ready');
  const told = found ? `; ${found.type}=${found.status}, ${found.reason}: ${found.message}` : '';
  return `container "${name}" is not ${text}: its phase is ${phase}${told}`;
}

function parseGoal(text: string | undefined): Goal {
  const [kind, name = '', status = 'True', ...rest] = (text ?? '').split('=');
  if (text === 'delete') return { text: 'gone', met: 'deleted', isMet: (container) => container === undefined };
  const isComplete = name !== '' && rest.length === 0;
  if (kind === 'condition' && isComplete) return conditionGoal(name, status);
  if (kind === 'phase' && isComplete) return phaseGoal(name);
  throw usageError(
    'wait',
    `--for takes condition=TYPE, condition=TYPE=STATUS, phase=PHASE or delete, not "${text ?? ''}"`,
  );
}

function conditionGoal(type: string, status: string): Goal {
  return {
    text: status === 'True' ? type : `${type}=${status}`,
    met: 'condition met',
    conditionType: type,
    isMet: (container) =>
      container !== undefined && condition(container, type)?.status.toLowerCase() === status.toLowerCase(),
  };
}

function phaseGoal(name: string): Goal {
  const phases = containerSchema.properties.status.properties.phase.enum;
  const phase = phases.find((each) => each.toLowerCase() === name.toLowerCase());
  if (phase === undefined)
    throw usageError('wait', `there is no phase "${name}"${suggestion(name, phases)}; there are ${phases.join(', ')}`);
  return { text: phase, met: `is ${phase}`, isMet: (container) => container?.status?.phase === phase };
}
