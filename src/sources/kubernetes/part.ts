import { hasFinalizer, isBeingDeleted, placementOf, takenBy, type ContainerResource } from './resource.ts';

/** What is known of a resource and of this node. */
export interface Situation {
  readonly resource: ContainerResource;
  /** The name of this node. */
  readonly node: string;
  /** The resource may run here: nodeName and nodeSelector say so. */
  readonly isMeant: boolean;
  /** hob has a container of it. */
  readonly isHere: boolean;
}

/**
 * What this node has to do with a resource. keep: it is ours, and taken on. take: it is to become ours. leave: it is no longer ours, and what
 * there is of it here goes. wait: its spec names this node, and another still has it. ignore: it is nobody's, or another node's.
 *
 * `status.nodeName` says who has it. Only who has it may let go of it, and only when nothing of it is left, so that no two nodes ever
 * run it; and of several that may take it the API server lets one, by the resource version.
 */
export type Part = 'keep' | 'take' | 'leave' | 'wait' | 'ignore';

export function partIn(situation: Situation): Part {
  const { resource, isMeant } = situation;
  const mayHaveIt = isMeant && (isFree(resource) || isMine(situation));
  if (isBeingDeleted(resource)) return partInDeletion(situation);
  if (mayHaveIt) return isMine(situation) && hasFinalizer(resource) ? 'keep' : 'take';
  if (isInvolved(situation)) return 'leave';
  return isMeant && namesIt(situation) ? 'wait' : 'ignore';
}

/** What nobody has, and who was to take it put a finalizer on, nobody else would let go. */
const partInDeletion = (situation: Situation): Part =>
  !isOver(situation) && (isFree(situation.resource) || isInvolved(situation)) ? 'leave' : 'ignore';

const isFree = (resource: ContainerResource): boolean => takenBy(resource) === undefined;
const isMine = ({ resource, node }: Situation): boolean => takenBy(resource) === node;
/** Nothing of it is left here, and nothing of this node keeps it on the server; what others have put on it may. */
const isOver = ({ resource, isHere }: Situation): boolean => !isHere && !hasFinalizer(resource);
const isInvolved = (situation: Situation): boolean => isMine(situation) || situation.isHere;
/** Of those that a selector offers to several nodes, each but one would wait for ever. */
const namesIt = ({ resource, node }: Situation): boolean => placementOf(resource).nodeName === node;

/** Whether its container is to be here. One that is here already stays while it is being taken on, after a restored backup of the cluster say. */
export function isDeclared(part: Part, situation: Situation): boolean {
  return part === 'keep' || (part === 'take' && isInvolved(situation));
}

export type Write = 'addFinalizer' | 'claim' | 'status' | 'removeFinalizer' | 'release';

/** The next write to the API server that brings the resource on, if there is one to make; a status only if it is another than before. */
export function nextWrite(part: Part, situation: Situation): Write | undefined {
  if (part === 'keep') return 'status';
  if (part === 'take') return nextToTake(situation);
  return part === 'leave' ? nextToLeave(situation) : undefined;
}

/** First what keeps it on the server, so that it is never here without; then the claim, which only one node gets. */
function nextToTake(situation: Situation): Write {
  return hasFinalizer(situation.resource) ? 'claim' : 'addFinalizer';
}

/** As long as there is something of it here, who has it says how that goes; then it lets go, of the finalizer first. */
function nextToLeave(situation: Situation): Write | undefined {
  const { resource, isHere } = situation;
  if (isHere) return isMine(situation) ? 'status' : undefined;
  if (hasFinalizer(resource)) return 'removeFinalizer';
  return isMine(situation) && !isBeingDeleted(resource) ? 'release' : undefined;
}
