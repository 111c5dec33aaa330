import type { Condition, Container, Phase } from '../api/container.ts';
import { age } from './age.ts';
import type { Column } from './table.ts';
import { coloured } from './table.ts';

const namespace: Column<Container> = { title: 'NAMESPACE', cell: ({ metadata }) => metadata.namespace };

const plain: readonly Column<Container>[] = [
  { title: 'NAME', cell: ({ metadata }) => metadata.name },
  { title: 'PHASE', cell: ({ status }) => colouredPhase(status?.phase) },
  { title: 'READY', cell: (container) => condition(container, 'Ready')?.status ?? 'Unknown' },
  { title: 'RESTARTS', cell: restarts },
  { title: 'AGE', cell: ({ metadata }) => age(metadata.creationTimestamp) },
];

const wide: readonly Column<Container>[] = [
  { title: 'PID', cell: ({ status }) => String(status?.pid ?? '<none>') },
  { title: 'EXIT', cell: ({ status }) => status?.signal ?? String(status?.exitCode ?? '<none>') },
  { title: 'INSTANCE', cell: ({ status }) => status?.instanceID ?? '<none>' },
  { title: 'REASON', cell: why },
];

/** The columns of `hob get`. */
export function containerColumns(options: { namespaces: boolean; wide: boolean }): Column<Container>[] {
  return [...(options.namespaces ? [namespace] : []), ...plain, ...(options.wide ? wide : [])];
}

/** The condition of a type, when the container has one. */
export function condition({ status }: Container, type: string): Condition | undefined {
  return status?.conditions?.find((each) => each.type.toLowerCase() === type.toLowerCase());
}

const phaseColours: Readonly<Record<Phase, 'green' | 'yellow' | 'red' | 'dim'>> = {
  Pending: 'yellow',
  Constructing: 'yellow',
  Starting: 'yellow',
  Running: 'green',
  Paused: 'yellow',
  Stopping: 'yellow',
  Destroying: 'yellow',
  Backoff: 'red',
  Completed: 'dim',
  Failed: 'red',
  Stopped: 'dim',
};

function colouredPhase(phase: Phase = 'Pending'): string {
  return coloured(phaseColours[phase], phase);
}

/** `3 (27s ago)`, as kubectl has it. */
function restarts({ status }: Container): string {
  const count = status?.restartCount ?? 0;
  const last = status?.lastTermination?.finishedAt;
  return count > 0 && last !== undefined ? `${count} (${age(last)} ago)` : String(count);
}

const longestReason = 100;

/** What stands in its way, or else why it is ready or not; one line. */
function why(container: Container): string {
  const stalled = condition(container, 'Stalled');
  const telling = stalled?.status === 'True' ? stalled : condition(container, 'Ready');
  if (!telling) return '<none>';
  const text = `${telling.reason}: ${telling.message}`.replaceAll(/\s+/g, ' ');
  return text.length > longestReason ? `${text.slice(0, longestReason - 1)}…` : text;
}
