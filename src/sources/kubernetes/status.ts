import type { Condition, Container, ContainerStatus, SpecMistake } from '../../api/container.ts';
import { formatMistake } from '../../api/parse.ts';
import type { ContainerResource } from './resource.ts';

export interface Facts {
  readonly resource: ContainerResource;
  /** The name of this node. */
  readonly node: string;
  /** ISO 8601. */
  readonly now: string;
}

/** All that the status of a resource is made of, while this node has it. */
export interface StatusInput extends Facts {
  /** hob's own view of the container, if there is one. */
  readonly container: Container | undefined;
  readonly mistakes: readonly SpecMistake[];
  /** Where else the name is declared, first. */
  readonly rival: string | undefined;
}

/** The status as it should be on the server; undefined as long as there is nothing to say yet. */
export function statusOf(input: StatusInput): ContainerStatus | undefined {
  const { resource, node, container, mistakes, rival } = input;
  if (rival !== undefined) return stalled(input, 'NameTaken', nameTaken(rival));
  if (container?.status) return { ...seenBy(resource, mistakes, atRest(container.status)), nodeName: node };
  return mistakes.length > 0 ? stalled(input, 'InvalidSpec', mistakes.map(formatMistake).join('; ')) : undefined;
}

const nameTaken = (rival: string): string =>
  `${rival} on this node declares a container of the same namespace and name; ignored until that one lets go, or delete this and give it another name`;

const wantedAsItIs: readonly ContainerStatus['phase'][] = ['Completed', 'Stopped', 'Paused'];

/** For kstatus, what is not Ready is in progress for ever. What does not run, as its spec wants it, says nothing of Ready. */
function atRest(status: ContainerStatus): ContainerStatus {
  const { phase, conditions = [] } = status;
  return wantedAsItIs.includes(phase)
    ? { ...status, conditions: conditions.filter(({ type }) => type !== 'Ready') }
    : status;
}

/** A spec that is wrong was seen all the same: the conditions are about it. */
function seenBy(
  { metadata }: ContainerResource,
  mistakes: readonly SpecMistake[],
  status: ContainerStatus,
): ContainerStatus {
  if (mistakes.length === 0 || metadata.generation === undefined) return status;
  const observedGeneration = metadata.generation;
  const conditions = status.conditions?.map((condition) => ({ ...condition, observedGeneration }));
  return { ...status, observedGeneration, ...(conditions && { conditions }) };
}

type Bare = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Of a resource that no container comes of until somebody changes something. */
function stalled(input: StatusInput, reason: string, message: string): ContainerStatus {
  return bareStatus(input, input.node, [
    { type: 'Ready', status: 'False', reason, message },
    { type: 'Reconciling', status: 'False', reason, message: 'hob waits for a change' },
    { type: 'Stalled', status: 'True', reason, message },
  ]);
}

/** Of a resource that this node has just taken on. */
export function claimedStatus(input: Facts): ContainerStatus {
  const message = `node ${input.node} has taken it on`;
  return bareStatus(input, input.node, [
    { type: 'Ready', status: 'False', reason: 'Pending', message },
    { type: 'Reconciling', status: 'True', reason: 'Pending', message },
    { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing is in the way' },
  ]);
}

/** Of a resource that this node has let go of, for whoever takes it next. */
export function releasedStatus(input: Facts): ContainerStatus {
  const message = `node ${input.node} has torn it down; it waits for a node to take it on`;
  return bareStatus(input, undefined, [
    { type: 'Ready', status: 'False', reason: 'Released', message },
    { type: 'Reconciling', status: 'True', reason: 'Released', message },
    { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing is in the way' },
  ]);
}

/** `lastTransitionTime` moves only when a status changes. */
function bareStatus({ resource, now }: Facts, nodeName: string | undefined, bare: readonly Bare[]): ContainerStatus {
  const { generation = 0 } = resource.metadata;
  const conditions = bare.map((condition) => {
    const before = resource.status?.conditions?.find(({ type }) => type === condition.type);
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : now;
    return { ...condition, lastTransitionTime, observedGeneration: generation };
  });
  return { phase: 'Pending', observedGeneration: generation, conditions, ...(nodeName !== undefined && { nodeName }) };
}

/** Whether this status is as good as final, and worth a write at once: the ways between such phases often take milliseconds. */
export const isSettled = ({ phase }: ContainerStatus): boolean =>
  phase !== 'Constructing' && phase !== 'Starting' && phase !== 'Stopping' && phase !== 'Destroying';
