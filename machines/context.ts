import type { ContainerSpec } from '../src/api/container.ts';
import type { HookPoint } from '../src/hooks/plugin.ts';
import type { Exit } from '../src/runtime/runtime.ts';

/**
 * What the lifecycle machine remembers of one container: plain JSON, so that the journal can keep it as it is.
 * Bump `machineVersion` when its shape or the names of states change. A record of another version is gone on with all the same where it has
 * what this one needs (see `src/daemon/saved-container.ts`): to add something optional is no new shape.
 */
export const machineVersion = 1;

/** What a source wants of the container, as the desired store last said. */
export interface Desired {
  readonly spec: ContainerSpec;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly generation: number;
  /** `instance`: of all that needs a new instance when it changes. `resources`: of what crun can change in place. */
  readonly hash: { readonly instance: string; readonly resources: string };
  /** No source wants it any more. */
  readonly removed: boolean;
}

/** What plugins added to the instance in postConstruction. */
export interface Additions {
  readonly env: readonly string[];
  readonly mounts: readonly Readonly<Record<string, unknown>>[];
  /** How many file descriptors; the descriptors themselves live and die with the hob that got them. */
  readonly fdCount: number;
}

/** Why an instance did not get as far as running, or was ended. */
export interface Failure {
  /** CamelCase, for programs. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
}

/** One life of the container. */
export interface Instance {
  readonly id: string;
  /** The spec it was made from, and its hashes; `resources` moves when they are changed in place. */
  readonly spec: ContainerSpec;
  readonly hash: Desired['hash'];
  readonly generation: number;
  readonly rootfsPath?: string;
  /** Somebody has unmounted it, which was told. */
  readonly rootfsLost?: boolean;
  readonly additions?: Additions;
  /** Its postConstruction hooks were called, or may have been, so preDestruction is due. */
  readonly postConstructionBegun?: boolean;
  /** Its init existed, so postStop is due. */
  readonly initExisted?: boolean;
  readonly pid?: number;
  readonly startTime?: number;
  readonly startedAt?: string;
  /** hob was told to stop it; it did not end by itself. */
  readonly stopping?: boolean;
  /** When it was first sent its stop signal, in seconds since the host booted: setting the clock does not move it. */
  readonly stopAskedAt?: number;
  readonly exit?: Exit;
  readonly failure?: Failure;
  /** crun got as far as executing the command, which could not be: from there on the restart policy decides, as after a command that ran. */
  readonly commandRefused?: boolean;
  /** It went with the host, which was restarted. */
  readonly hostRestarted?: boolean;
}

/** The last finished life, as `status.lastTermination` shows it. */
export interface Termination {
  readonly instanceID: string;
  readonly reason: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly oomKilled?: boolean;
  readonly startedAt?: string;
  readonly finishedAt: string;
}

export interface ContainerContext {
  readonly id: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  readonly desired: Desired;
  /** `desired` is from before hob's last death, and no source has said since that it still is: nothing new is begun for it. */
  readonly unconfirmed?: boolean;
  /** The present life, or the last one where the container rests. */
  readonly instance?: Instance;
  /** How many instances there were, the present one included. */
  readonly instances: number;
  /** Instances made because an earlier one ended by itself or did not start. */
  readonly restartCount: number;
  /** Failures in a row; decides the next back-off. */
  readonly failuresInRow: number;
  /** When the last instance was closed, milliseconds since the epoch. */
  readonly closedAt?: number;
  /** End of the back-off, milliseconds since the epoch. */
  readonly nextStartAt?: number;
  /** Required plugins that are not there, each with why; the container waits for them. */
  readonly missingPlugins: readonly string[];
  readonly lastTermination?: Termination;
  /** Hook points that failed without stopping anything, in the present instance. */
  readonly hookFailures: readonly { readonly point: HookPoint; readonly message: string }[];
  /** Where the machine was entered this time; see `entryStates` in events.ts. */
  readonly resumeAt?: string;
  /** A change in place that crun refused for this generation; not tried again until the spec changes, or with the next instance. */
  readonly refused?: (Failure & { readonly generation: number }) | undefined;
  /** The generation for which a change in place is under way. */
  readonly changingTo?: number;
}

/** A container that nobody has started yet. */
export function newContainer(
  identity: Pick<ContainerContext, 'id' | 'uid' | 'namespace' | 'name' | 'createdAt'>,
  desired: Desired,
): ContainerContext {
  return {
    ...identity,
    desired,
    instances: 0,
    restartCount: 0,
    failuresInRow: 0,
    missingPlugins: [],
    hookFailures: [],
  };
}

/** The next life of the container. */
export function nextInstance(context: ContainerContext): Instance {
  const { spec, hash, generation } = context.desired;
  return { id: instanceID(context.uid, context.instances + 1), spec, hash, generation };
}

/** Derived, so that a step that is run again makes no second instance. @param number from 1 */
export const instanceID = (uid: string, number: number): string => `${instancesOf(uid)}${number}`;

/** What the ids of all instances of a container begin with. */
export const instancesOf = (uid: string): string => `${uid.slice(0, 8)}-`;

const firstBackoffMs = 1_000;
const longestBackoffMs = 5 * 60_000;
const steadyAfterMs = 10 * 60_000;

/** How long to wait after this many failures in a row (1 for the first): 1 s, 2 s, 4 s, ... 5 min. */
export function backoffMs(failuresInRow: number): number {
  return Math.min(firstBackoffMs * 2 ** Math.max(0, failuresInRow - 1), longestBackoffMs);
}

/** Whether the instance ran so long that earlier failures no longer count. */
function ranSteadily(instance: Instance): boolean {
  if (!instance.startedAt || !instance.exit) return false;
  const { finishedAt, ranAtMostMs = Infinity } = instance.exit;
  return Math.min(Date.parse(finishedAt) - Date.parse(instance.startedAt), ranAtMostMs) >= steadyAfterMs;
}

/** The end of a life: what it was goes to `lastTermination`, failures in a row are counted, the back-off is set. */
export function closeInstance(context: ContainerContext, now: number): Partial<ContainerContext> {
  const { instance } = context;
  if (!instance) return {};
  const failuresInRow = ranSteadily(instance) ? 1 : context.failuresInRow + 1;
  return {
    lastTermination: termination(instance, now),
    failuresInRow,
    closedAt: now,
    nextStartAt: now + backoffMs(failuresInRow),
  };
}

/** The instance with the limits of what was wanted when they were applied. */
export function withResourcesOf(
  context: ContainerContext,
  { spec, hash, generation }: Desired,
): Partial<ContainerContext> {
  const { instance } = context;
  if (!instance) return {};
  const { resources: _, ...others } = instance.spec;
  return withInstance(context, {
    spec: { ...others, ...(spec.resources && { resources: spec.resources }) },
    hash: { ...instance.hash, resources: hash.resources },
    generation: hash.instance === instance.hash.instance ? generation : instance.generation,
  });
}

/** Change the present instance. */
export function withInstance(context: ContainerContext, change: Partial<Instance>): Partial<ContainerContext> {
  return context.instance ? { instance: { ...context.instance, ...change } } : {};
}

/** The present instance is not what is wanted, and can't be changed into it. */
export function isOutdated(context: ContainerContext): boolean {
  return context.instance !== undefined && context.instance.hash.instance !== context.desired.hash.instance;
}

/** Whether the instance's command has run, or could not be executed: from there on the restart policy decides. */
export const commandRan = ({ instance }: ContainerContext): boolean =>
  instance?.exit !== undefined || instance?.commandRefused === true;

/** Its end was not its own doing: it was told to stop, or the spec has changed since. */
export const mayStartAfresh = (context: ContainerContext): boolean =>
  context.instance?.stopping === true || isOutdated(context);

/** The container has ended, and its restart policy, which may be another one by now, wants no more of it. */
export function staysEnded(context: ContainerContext): boolean {
  const { restartPolicy } = context.desired.spec;
  if (!commandRan(context) || mayStartAfresh(context)) return false;
  return restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && context.instance?.exit?.code === 0);
}

/** The present instance has to end. */
export function isUnwanted(context: ContainerContext): boolean {
  const { removed, spec } = context.desired;
  return removed || spec.desiredState === 'Stopped' || isOutdated(context);
}

/** How the instance's life ended, in the words of the status. */
function termination(instance: Instance, now: number): Termination {
  const { exit, failure, startedAt } = instance;
  const ended = { instanceID: instance.id, finishedAt: exit?.finishedAt ?? new Date(now).toISOString() };
  const began = startedAt === undefined ? {} : { startedAt };
  if (!exit) return { ...ended, ...began, reason: failure?.reason ?? 'Unknown', message: failure?.message ?? '' };
  return {
    ...ended,
    ...began,
    reason: exitReason(exit),
    ...(exit.code === undefined ? {} : { exitCode: exit.code }),
    ...(exit.signal === undefined ? {} : { signal: exit.signal }),
    ...(exit.unknown === undefined ? {} : { message: exit.unknown }),
    oomKilled: exit.oomKilled,
  };
}

function exitReason(exit: Exit): string {
  if (exit.oomKilled) return 'OOMKilled';
  if (exit.code === undefined) return 'ExitCodeUnknown';
  return exit.code === 0 ? 'Completed' : 'Error';
}

/** "exited with code 3", "was killed by SIGKILL (out of memory)", for messages. */
export function describeExit(exit: Exit): string {
  if (exit.oomKilled) return 'was killed because it ran out of memory';
  if (exit.signal) return `was ended by ${exit.signal}`;
  if (exit.code === undefined) return `ended, its exit code is unknown: ${exit.unknown ?? 'nobody saw it'}`;
  return `exited with code ${exit.code}`;
}
