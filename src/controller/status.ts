import type { Condition, Container, ContainerStatus, Phase } from '../api/container.ts';
import { formatMistake } from '../api/parse.ts';
import { isOutdated } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { Wanted } from './desired-store.ts';

/** All that the status of a container is made of. */
export interface StatusInput {
  readonly context: ContainerContext;
  readonly phase: Phase;
  readonly mistakes: Wanted['mistakes'];
  readonly hooks: ContainerStatus['hooks'];
  /** The conditions so far: `lastTransitionTime` moves only when a status changes. */
  readonly before: readonly Condition[];
  /** ISO 8601. */
  readonly now: string;
}

/** The Container as `hob get` shows it. */
export function containerView(input: StatusInput): Container {
  const { context } = input;
  const { desired } = context;
  return {
    apiVersion: 'hob.dev/v1alpha1',
    kind: 'Container',
    metadata: {
      name: context.name,
      namespace: context.namespace,
      uid: context.uid,
      generation: desired.generation,
      creationTimestamp: context.createdAt,
      labels: { ...desired.labels },
      annotations: { ...desired.annotations },
    },
    spec: desired.spec,
    status: containerStatus(input),
  };
}

function containerStatus(input: StatusInput): ContainerStatus {
  const { context, phase, hooks } = input;
  const { instance, lastTermination } = context;
  return {
    phase,
    observedGeneration: observedGeneration(context),
    conditions: conditions(input),
    restartCount: context.restartCount,
    ...(instance && { instanceID: instance.id }),
    ...livingPid(context, phase),
    ...ending(context),
    ...(phase === 'Backoff' && context.nextStartAt && { nextRestartAt: new Date(context.nextStartAt).toISOString() }),
    ...(lastTermination && { lastTermination }),
    ...(hooks && { hooks }),
  };
}

function livingPid({ instance }: ContainerContext, phase: Phase): Pick<ContainerStatus, 'pid'> {
  const lives = phase === 'Running' || phase === 'Paused' || phase === 'Stopping';
  return lives && !instance?.exit && instance?.pid !== undefined ? { pid: instance.pid } : {};
}

/** How the present instance ended, or began. */
function ending({ instance }: ContainerContext): Partial<ContainerStatus> {
  const { startedAt, exit } = instance ?? {};
  return {
    ...(startedAt && { startedAt }),
    ...(exit && { finishedAt: exit.finishedAt, oomKilled: exit.oomKilled }),
    ...(exit?.code !== undefined && { exitCode: exit.code }),
    ...(exit?.signal && { signal: exit.signal }),
  };
}

/** The generation that the host shows: the wanted one, unless something of it is still to be done. */
function observedGeneration({ instance, desired }: ContainerContext): number {
  if (!instance) return desired.generation;
  const done = instance.hash.instance === desired.hash.instance && instance.hash.resources === desired.hash.resources;
  return done ? desired.generation : instance.generation;
}

type Bare = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

function conditions(input: StatusInput): Condition[] {
  const { context, before, now } = input;
  const bare = [ready(input), reconciling(input), stalled(input), ...hooksSucceeded(context)];
  return bare.map((condition) => {
    const last = before.find(({ type }) => type === condition.type);
    const lastTransitionTime = last?.status === condition.status ? last.lastTransitionTime : now;
    return { ...condition, lastTransitionTime, observedGeneration: observedGeneration(context) };
  });
}

const is = (value: boolean): Bare['status'] => (value ? 'True' : 'False');

function ready({ context, phase }: StatusInput): Bare {
  const running = phase === 'Running';
  const { reason, message } = running
    ? { reason: 'Running', message: 'the command runs' }
    : whyNotRunning(context, phase);
  return { type: 'Ready', status: is(running), reason, message };
}

/** The reason that helps most: what is waited for, what went wrong last, or else the phase. */
function whyNotRunning(context: ContainerContext, phase: Phase): Pick<Bare, 'reason' | 'message'> {
  if (context.missingPlugins.length > 0) return missingPlugins(context);
  if (phase === 'Pending' && context.unconfirmed) return unconfirmed;
  if (phase === 'Backoff' || phase === 'Failed' || phase === 'Completed') return lastEnd(context, phase);
  return { reason: phase, message: `the container is ${phase.toLowerCase()}` };
}

const unconfirmed = {
  reason: 'SourceNotRead',
  message: 'hob was restarted, and waits to hear from its source whether it is still wanted',
};

const missingPlugins = ({ missingPlugins }: ContainerContext): Pick<Bare, 'reason' | 'message'> => ({
  reason: 'PluginNotFound',
  message: `waits for plugin ${missingPlugins.join('; for plugin ')}`,
});

function lastEnd({ lastTermination }: ContainerContext, phase: Phase): Pick<Bare, 'reason' | 'message'> {
  if (!lastTermination) return { reason: phase, message: '' };
  const { reason, message, exitCode, signal } = lastTermination;
  const how = signal ? `ended by ${signal}` : `exit code ${exitCode ?? 'unknown'}`;
  return { reason: phase === 'Completed' ? 'Completed' : reason, message: message ?? how };
}

const atRest: readonly Phase[] = ['Running', 'Paused', 'Completed', 'Failed', 'Stopped', 'Backoff'];

function reconciling({ context, phase }: StatusInput): Bare {
  const { instance, desired } = context;
  if (desired.removed) return { type: 'Reconciling', status: 'True', reason: 'Removing', message: 'its spec is gone' };
  const behind = instance !== undefined && observedGeneration(context) !== desired.generation;
  const busy = !atRest.includes(phase) || (behind && isOutdated(context));
  const message = busy ? `the container is ${phase.toLowerCase()}` : 'nothing to do';
  return { type: 'Reconciling', status: is(busy), reason: busy ? phase : 'UpToDate', message };
}

function stalled({ context, phase, mistakes }: StatusInput): Bare {
  const stall = (reason: string, message: string): Bare => ({ type: 'Stalled', status: 'True', reason, message });
  const [mistake] = mistakes;
  if (mistake) {
    const more = mistakes.length > 1 ? ` (and ${mistakes.length - 1} more)` : '';
    return stall('InvalidSpec', `${formatMistake(mistake)}${more}; the last good spec stays in force`);
  }
  if (context.refused?.generation === context.desired.generation)
    return stall(context.refused.reason, context.refused.message);
  if (context.missingPlugins.length > 0) return { type: 'Stalled', status: 'True', ...missingPlugins(context) };
  if (phase === 'Failed') return stall('Failed', lastEnd(context, phase).message);
  if (phase === 'Backoff') return stall('BackOff', lastEnd(context, phase).message);
  return { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing is in the way' };
}

/** Only for containers with plugins: whether a hook failed without stopping the container. */
function hooksSucceeded({ instance, hookFailures }: ContainerContext): Bare[] {
  if (!instance || instance.spec.plugins.length === 0) return [];
  const [failure] = hookFailures;
  if (!failure) return [{ type: 'HooksSucceeded', status: 'True', reason: 'NoFailure', message: 'no hook failed' }];
  const message = hookFailures.map(({ point, message }) => `${point}: ${message}`).join('; ');
  return [{ type: 'HooksSucceeded', status: 'False', reason: 'HookFailed', message }];
}
