import { and, assign, emit, enqueueActions, fromCallback, fromPromise, not, sendTo, setup } from 'xstate';
import type { AnyEventObject } from 'xstate';
import type { HookPoint } from '../src/hooks/plugin.ts';
import type { Phase } from '../src/api/container.ts';
import type { Exit } from '../src/runtime/runtime.ts';
import { closeInstance, describeExit, isOutdated, isUnwanted, nextInstance, withInstance } from './context.ts';
import type { Additions, ContainerContext, Desired, Failure } from './context.ts';

/**
 * The lifecycle of one container: every state it can be in, and every way from one to another.
 *
 * Pure: what a state does to the host is an invoked actor, a stub here, provided by `src/lifecycle`. After a restart of
 * hob the machine is entered at `resumeAt`, which is decided from what is really there, and that state's effect runs
 * again: every effect is idempotent.
 */

const aliveStates = ['postStart', 'running', 'paused', 'stopping'] as const;

/** Where the machine can be entered. */
export const entryStates = [
  'pending',
  'waiting',
  'constructing',
  'postConstruction',
  'starting',
  ...aliveStates,
  'postStop',
  'preDestruction',
  'destroying',
  'backoff',
  'completed',
  'failed',
  'stopped',
] as const;
export type EntryState = (typeof entryStates)[number];

const entryTarget = (state: EntryState): string =>
  aliveStates.some((name) => name === state) ? `#container.alive.${state}` : `#container.${state}`;

export interface ContainerInput {
  readonly context: ContainerContext;
  readonly resumeAt: EntryState;
}

/** What an effect is told: the container as it is when the effect begins. */
export interface EffectInput {
  readonly container: ContainerContext;
}
export type HooksInput = EffectInput & { readonly point: HookPoint };
export type AnswerInput = EffectInput & { readonly verdict: boolean };
/** Until a time (milliseconds since the epoch), or for so many milliseconds. */
export type SleepInput = { readonly until: number } | { readonly ms: number };

/** What the making of a rootfs came to. An expected failure is an answer; a rejection counts as a fault of hob's own. */
export type Constructed = { readonly ok: true; readonly rootfsPath: string } | ({ readonly ok: false } & Failure);

export interface HooksDone {
  readonly point: HookPoint;
  readonly ok: boolean;
  /** What failed, in a sentence. */
  readonly message: string;
  readonly additions?: Additions;
}

export type ContainerEvent =
  /** A source wants something else than before. */
  | { type: 'desire'; desired: Desired }
  /** Plugins came, changed or went. */
  | { type: 'pluginsChanged' }
  | ({ type: 'hooksDone' } & HooksDone)
  /** crun made the container and waits for the verdict of the preStart hooks. */
  | { type: 'created'; pid: number }
  /** The command runs. */
  | { type: 'started'; pid: number; startTime: number; startedAt: string }
  /** crun refused. */
  | ({ type: 'startFailed'; initExisted: boolean } & Failure);

/** What happened, for the event log. */
export interface Report {
  readonly type: 'report';
  readonly severity: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const normal = (reason: string, message: string): Report => ({ type: 'report', severity: 'Normal', reason, message });
const warning = (reason: string, message: string): Report => ({ type: 'report', severity: 'Warning', reason, message });

const stub = (name: string): never => {
  throw new Error(`the effect "${name}" was not provided`);
};

const machine = setup({
  types: {
    context: {} as ContainerContext,
    tags: {} as Phase,
    events: {} as ContainerEvent,
    input: {} as ContainerInput,
    emitted: {} as Report,
  },
  actors: {
    /** Which required plugins are not there. */
    findMissingPlugins: fromPromise<readonly string[], EffectInput>(() => stub('findMissingPlugins')),
    /** Make the rootfs. */
    construct: fromPromise<Constructed, EffectInput>(() => stub('construct')),
    /** Call the plugins of a hook point; answers `hooksDone`, cuts them short on `abort`. */
    runHooks: fromCallback<AnyEventObject, HooksInput>(() => stub('runHooks')),
    /** Have crun run the container; answers `created` (when preStart hooks are waited for), `started` or `startFailed`. */
    start: fromCallback<AnyEventObject, EffectInput>(() => stub('start')),
    answerPreStart: fromPromise<void, AnswerInput>(() => stub('answerPreStart')),
    waitForExit: fromPromise<Exit, EffectInput>(() => stub('waitForExit')),
    pause: fromPromise<void, EffectInput>(() => stub('pause')),
    unpause: fromPromise<void, EffectInput>(() => stub('unpause')),
    updateResources: fromPromise<void, EffectInput>(() => stub('updateResources')),
    /** Stop signal, grace, KILL; the end itself is seen by `waitForExit`. */
    stop: fromPromise<void, EffectInput>(() => stub('stop')),
    /** Remove what the instance left: crun's state, bundle, rootfs. Answers the time, milliseconds since the epoch: the machine has no clock. */
    destroy: fromPromise<number, EffectInput>(() => stub('destroy')),
    sleep: fromPromise<void, SleepInput>(() => stub('sleep')),
  },
  guards: {
    entersAt: ({ context }, state: EntryState) => context.resumeAt === state,
    removed: ({ context }) => context.desired.removed,
    wantsStopped: ({ context }) => context.desired.spec.desiredState === 'Stopped',
    wantsPaused: ({ context }) => context.desired.spec.desiredState === 'Paused' && !wasRefused(context),
    wantsUnpaused: ({ context }) => context.desired.spec.desiredState !== 'Paused' && !wasRefused(context),
    resourcesDiffer: ({ context }) =>
      context.instance?.hash.resources !== context.desired.hash.resources && !wasRefused(context),
    unwanted: ({ context }) => isUnwanted(context),
    /** Its end was not its own doing: it was told to stop, or the spec has changed since. */
    mayStartAfresh: ({ context }) => context.instance?.stopping === true || isOutdated(context),
    rebooted: ({ context }) => context.instance?.failure?.reason === 'HostRebooted',
    wantsNoPlugins: ({ context }) => context.desired.spec.plugins.length === 0,
    hasNoPlugins: ({ context }) => context.instance?.spec.plugins.length === 0,
    hasFailed: ({ context }) => context.instance?.failure !== undefined,
    hasExited: ({ context }) => context.instance?.exit !== undefined,
    wasConstructed: ({ context }) => context.instance?.constructed === true,
    commandRan: ({ context }) =>
      context.instance?.exit !== undefined || context.instance?.failure?.reason === 'StartError',
    endedWell: ({ context }) => context.instance?.exit?.code === 0,
    restartsAlways: ({ context }) => context.desired.spec.restartPolicy === 'Always',
    restartsNever: ({ context }) => context.desired.spec.restartPolicy === 'Never',
    someMissing: (_, plugins: readonly string[]) => plugins.length > 0,
    initExisted: ({ event }) => event.type === 'startFailed' && event.initExisted,
    hooksFailed: ({ event }) => event.type === 'hooksDone' && !event.ok,
  },
  actions: {
    noteDesired: assign(({ event }) => (event.type === 'desire' ? { desired: event.desired } : {})),
    /** Hooks that lead to a container nobody wants any more need not be waited for to the end of their time limit. */
    abortUnwantedHooks: enqueueActions(({ context, enqueue }) => {
      if (isUnwanted(context)) enqueue.sendTo('hooks', { type: 'abort' });
    }),
    abortHooks: sendTo('hooks', { type: 'abort' }),

    beginInstance: assign(({ context }) => ({
      instance: nextInstance(context),
      instances: context.instances + 1,
      hookFailures: [],
    })),
    noteConstructed: assign(({ context }, result: Constructed) =>
      withInstance(context, result.ok ? { rootfsPath: result.rootfsPath } : { failure: failureOf(result) }),
    ),
    noteConstruction: assign(({ context }) => withInstance(context, { constructed: true })),
    noteAdditions: assign(({ context, event }) =>
      event.type === 'hooksDone' && event.additions ? withInstance(context, { additions: event.additions }) : {},
    ),
    noteCreated: assign(({ context, event }) =>
      event.type === 'created' ? withInstance(context, { pid: event.pid, initExisted: true }) : {},
    ),
    noteStarted: assign(({ context, event }) => {
      if (event.type !== 'started') return {};
      const { pid, startTime, startedAt } = event;
      return withInstance(context, { pid, startTime, startedAt, initExisted: true });
    }),
    /** A hook that refused says better why than crun, which only knows that one did. */
    noteStartFailure: assign(({ context, event }) =>
      event.type === 'startFailed'
        ? withInstance(context, {
            failure: context.instance?.failure ?? failureOf(event),
            initExisted: event.initExisted,
          })
        : {},
    ),
    noteFailure: assign(({ context }, failure: Failure) => withInstance(context, { failure: failureOf(failure) })),
    noteStopping: assign(({ context }) => withInstance(context, { stopping: true })),
    noteExit: assign(({ context }, exit: Exit) => withInstance(context, { exit })),
    noteRefused: assign(({ context }, failure: Failure) => ({
      refused: { ...failureOf(failure), generation: context.desired.generation },
    })),
    noteResources: assign(({ context }) =>
      withInstance(context, {
        spec: { ...context.desired.spec },
        hash: context.desired.hash,
        generation: context.desired.generation,
      }),
    ),
    closeInstance: assign(({ context }, now: number) => closeInstance(context, now)),
    /** What failed before somebody changed their mind no longer counts. */
    forgiveFailures: assign({ failuresInRow: 0 }),
    countRestart: assign({ restartCount: ({ context }) => context.restartCount + 1 }),
    failByHook: assign(({ context, event }) =>
      event.type === 'hooksDone'
        ? withInstance(context, { failure: { reason: hookFailureReason(event), message: event.message } })
        : {},
    ),
    noteHookFailure: enqueueActions(({ context, enqueue, event }) => {
      if (event.type !== 'hooksDone' || event.ok) return;
      enqueue.assign({ hookFailures: [...context.hookFailures, { point: event.point, message: event.message }] });
      enqueue.emit(warning(hookFailureReason(event), event.message));
    }),

    report: emit((_, what: Report) => what),
    reportFailure: emit(({ context }) => {
      const { reason, message } = context.instance?.failure ?? {
        reason: 'Failed',
        message: 'failed, nobody knows why',
      };
      return warning(reason, message);
    }),
    reportMissingPlugins: emit(({ context }) => {
      const names = context.missingPlugins.map((name) => `"${name}"`).join(', ');
      return warning('PluginNotFound', `waits for plugin ${names}: put it into a plugin folder`);
    }),
    reportStarted: emit(({ context }) => normal('Started', `started, pid ${context.instance?.pid}`)),
    reportStopping: emit(({ context }) => normal('Stopping', `is being stopped: ${whyUnwanted(context)}`)),
    reportExit: emit(({ context }) => {
      const { exit, stopping } = context.instance ?? {};
      if (!exit) return normal('Exited', 'ended');
      const expected = stopping === true || exit.code === 0;
      return (expected ? normal : warning)(exit.oomKilled ? 'OOMKilled' : 'Exited', describeExit(exit));
    }),
    reportBackoff: emit(({ context }) => {
      const seconds = Math.round(((context.nextStartAt ?? 0) - (context.closedAt ?? 0)) / 1000);
      return warning('BackOff', `starts again in ${seconds} s; failures in a row: ${context.failuresInRow}`);
    }),
  },
});

const wasRefused = ({ refused, desired }: ContainerContext): boolean => refused?.generation === desired.generation;

const failureOf = ({ reason, message }: Failure): Failure => ({ reason, message });

const hookFailureReason = ({ point }: HooksDone): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}Failed`;

function whyUnwanted(context: ContainerContext): string {
  if (context.desired.removed) return 'its spec is gone';
  if (context.desired.spec.desiredState === 'Stopped') return 'its spec says desiredState Stopped';
  return 'its spec changed in a way that needs a new instance';
}

const container = ({ context }: { context: ContainerContext }): EffectInput => ({ container: context });

/** Parameters of an action: what the effect answered. */
const answer = <T>({ event }: { event: { output: T } }): T => event.output;

/** Parameters of an action: an effect that rejected, as the failure of its step. */
const fault = ({ event }: { event: { error: unknown } }): Failure => ({
  reason: 'InternalError',
  message: event.error instanceof Error ? event.error.message : String(event.error),
});
const reportFault = {
  type: 'report',
  params: (args: { event: { error: unknown } }): Report => warning('InternalError', fault(args).message),
} as const;

/** Before a life: whether there is to be one, and whether its plugins are there. */
const pending = machine.createStateConfig({
  tags: 'Pending',
  always: [
    { guard: 'removed', target: 'gone' },
    { guard: 'wantsStopped', target: 'stopped' },
    { guard: 'wantsNoPlugins', target: 'constructing', actions: 'beginInstance' },
  ],
  invoke: {
    src: 'findMissingPlugins',
    input: container,
    onDone: [
      {
        guard: { type: 'someMissing', params: ({ event }) => event.output },
        target: 'waiting',
        actions: [assign({ missingPlugins: ({ event }) => event.output }), 'reportMissingPlugins'],
      },
      { target: 'constructing', actions: 'beginInstance' },
    ],
    onError: { target: 'waiting', actions: reportFault },
  },
});

/** A required plugin is not there; it may come. */
const waiting = machine.createStateConfig({
  tags: 'Pending',
  exit: assign({ missingPlugins: [] }),
  on: {
    pluginsChanged: 'pending',
    desire: { target: 'pending', actions: 'noteDesired' },
  },
});

/** The rootfs is made. */
const constructing = machine.createStateConfig({
  tags: 'Constructing',
  invoke: {
    src: 'construct',
    input: container,
    onDone: { target: 'constructed', actions: { type: 'noteConstructed', params: answer } },
    onError: { target: 'constructed', actions: { type: 'noteFailure', params: fault } },
  },
});

const constructed = machine.createStateConfig({
  always: [
    { guard: 'hasFailed', target: 'destroying', actions: 'reportFailure' },
    { guard: 'unwanted', target: 'destroying', actions: 'noteStopping' },
    { guard: 'hasNoPlugins', target: 'starting' },
    { target: 'postConstruction' },
  ],
});

/** The rootfs exists, the container does not. From here on preDestruction is due. */
const postConstruction = machine.createStateConfig({
  tags: 'Constructing',
  entry: 'noteConstruction',
  invoke: {
    src: 'runHooks',
    id: 'hooks',
    input: ({ context }) => ({ container: context, point: 'postConstruction' as const }),
  },
  on: {
    desire: { actions: ['noteDesired', 'abortUnwantedHooks'] },
    hooksDone: [
      { guard: 'unwanted', target: 'preDestruction', actions: 'noteStopping' },
      { guard: 'hooksFailed', target: 'preDestruction', actions: ['noteHookFailure', 'failByHook'] },
      { target: 'starting', actions: 'noteAdditions' },
    ],
  },
});

/** crun makes the container and starts its command: one process does both, and the preStart hooks come in between. */
const starting = machine.createStateConfig({
  tags: 'Starting',
  invoke: { src: 'start', input: container },
  initial: 'creating',
  states: {
    creating: { on: { created: { target: 'preStart', actions: 'noteCreated' } } },
    /** Namespaces and mounts exist, the command does not run yet; crun waits for the verdict. */
    preStart: {
      invoke: {
        src: 'runHooks',
        id: 'hooks',
        input: ({ context }) => ({ container: context, point: 'preStart' as const }),
      },
      on: {
        desire: { actions: ['noteDesired', 'abortUnwantedHooks'] },
        hooksDone: [
          { guard: 'unwanted', target: 'refusing', actions: 'noteStopping' },
          { guard: 'hooksFailed', target: 'refusing', actions: ['noteHookFailure', 'failByHook'] },
          { target: 'executing' },
        ],
      },
    },
    executing: {
      invoke: {
        src: 'answerPreStart',
        input: ({ context }) => ({ container: context, verdict: true }),
        onError: { actions: reportFault },
      },
    },
    refusing: {
      invoke: {
        src: 'answerPreStart',
        input: ({ context }) => ({ container: context, verdict: false }),
        onError: { actions: reportFault },
      },
    },
  },
  on: {
    started: { target: 'alive', actions: ['noteStarted', 'reportStarted'] },
    startFailed: [
      {
        guard: 'initExisted',
        target: 'postStop',
        actions: ['noteStartFailure', 'reportFailure'],
      },
      { target: 'preDestruction', actions: ['noteStartFailure', 'reportFailure'] },
    ],
  },
});

/** The command runs, until its end is seen. */
const alive = machine.createStateConfig({
  invoke: {
    src: 'waitForExit',
    id: 'exit',
    input: container,
    onDone: { actions: [{ type: 'noteExit', params: answer }, 'reportExit'] },
    onError: { actions: reportFault },
  },
  initial: 'started',
  states: {
    started: { always: [{ guard: 'hasNoPlugins', target: 'running' }, { target: 'postStart' }] },
    postStart: {
      tags: 'Running',
      invoke: {
        src: 'runHooks',
        id: 'hooks',
        input: ({ context }) => ({ container: context, point: 'postStart' as const }),
      },
      on: {
        desire: { actions: ['noteDesired', 'abortUnwantedHooks'] },
        'xstate.done.actor.exit': { actions: [{ type: 'noteExit', params: answer }, 'reportExit', 'abortHooks'] },
        hooksDone: { target: 'running', actions: 'noteHookFailure' },
      },
    },
    running: {
      tags: 'Running',
      always: [
        { guard: 'hasExited', target: '#container.postStop' },
        { guard: 'unwanted', target: 'stopping' },
        { guard: 'wantsPaused', target: 'pausing' },
        { guard: 'resourcesDiffer', target: 'updating' },
      ],
    },
    pausing: {
      tags: 'Running',
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: {
        src: 'pause',
        input: container,
        onDone: { target: 'paused', actions: { type: 'report', params: normal('Paused', 'is paused') } },
        onError: { target: 'running', actions: [{ type: 'noteRefused', params: fault }, reportFault] },
      },
    },
    paused: {
      tags: 'Paused',
      always: [
        { guard: 'hasExited', target: '#container.postStop' },
        { guard: 'unwanted', target: 'stopping' },
        { guard: 'wantsUnpaused', target: 'unpausing' },
      ],
    },
    unpausing: {
      tags: 'Paused',
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: {
        src: 'unpause',
        input: container,
        onDone: { target: 'running', actions: { type: 'report', params: normal('Resumed', 'runs on') } },
        onError: { target: 'paused', actions: [{ type: 'noteRefused', params: fault }, reportFault] },
      },
    },
    updating: {
      tags: 'Running',
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: {
        src: 'updateResources',
        input: container,
        onDone: {
          target: 'running',
          actions: [
            'noteResources',
            { type: 'report', params: normal('Updated', 'has new limits, without a restart') },
          ],
        },
        onError: { target: 'running', actions: [{ type: 'noteRefused', params: fault }, reportFault] },
      },
    },
    stopping: {
      tags: 'Stopping',
      entry: ['noteStopping', 'reportStopping'],
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: { src: 'stop', input: container, onError: { actions: reportFault } },
    },
  },
});

/** The init is gone. */
const postStop = machine.createStateConfig({
  tags: 'Stopping',
  always: { guard: 'hasNoPlugins', target: 'destroying' },
  invoke: {
    src: 'runHooks',
    id: 'hooks',
    input: ({ context }) => ({ container: context, point: 'postStop' as const }),
  },
  on: { hooksDone: { target: 'preDestruction', actions: 'noteHookFailure' } },
});

/** The last thing before the rootfs goes, for every instance whose postConstruction hooks were called. */
const preDestruction = machine.createStateConfig({
  tags: 'Stopping',
  always: [
    { guard: 'hasNoPlugins', target: 'destroying' },
    { guard: not('wasConstructed'), target: 'destroying' },
  ],
  invoke: {
    src: 'runHooks',
    id: 'hooks',
    input: ({ context }) => ({ container: context, point: 'preDestruction' as const }),
  },
  on: { hooksDone: { target: 'destroying', actions: 'noteHookFailure' } },
});

/** crun's state, the bundle and the rootfs go. Tried until it succeeds: what is left would be in the way of the next. */
const destroying = machine.createStateConfig({
  tags: 'Destroying',
  initial: 'removing',
  states: {
    removing: {
      invoke: {
        src: 'destroy',
        input: container,
        onDone: {
          target: '#container.deciding',
          actions: { type: 'closeInstance', params: ({ event }) => event.output },
        },
        onError: { target: 'resting', actions: reportFault },
      },
    },
    resting: {
      invoke: { src: 'sleep', input: { ms: 5000 }, onDone: 'removing', onError: 'removing' },
    },
  },
});

/** A life is over: whether there is to be another, and when. */
const deciding = machine.createStateConfig({
  always: [
    { guard: 'removed', target: 'gone' },
    { guard: 'wantsStopped', target: 'stopped', actions: 'forgiveFailures' },
    { guard: 'mayStartAfresh', target: 'pending', actions: 'forgiveFailures' },
    { guard: and([not('commandRan'), not('rebooted')]), target: 'backoff', actions: 'reportBackoff' },
    { guard: and(['endedWell', not('restartsAlways')]), target: 'completed' },
    { guard: 'restartsNever', target: 'failed' },
    { guard: 'rebooted', target: 'pending', actions: 'forgiveFailures' },
    { target: 'backoff', actions: 'reportBackoff' },
  ],
});

const backoff = machine.createStateConfig({
  tags: 'Backoff',
  always: [
    { guard: 'removed', target: 'gone' },
    { guard: 'wantsStopped', target: 'stopped', actions: 'forgiveFailures' },
    { guard: 'mayStartAfresh', target: 'pending', actions: 'forgiveFailures' },
  ],
  invoke: {
    src: 'sleep',
    input: ({ context }) => ({ until: context.nextStartAt ?? 0 }),
    onDone: { target: 'pending', actions: 'countRestart' },
    onError: { target: 'pending', actions: 'countRestart' },
  },
});

/** Ended well, and is not to run again. */
const completed = machine.createStateConfig({
  tags: 'Completed',
  on: { desire: { target: 'deciding', actions: 'noteDesired' } },
});

/** Ended badly, and is not to run again. */
const failed = machine.createStateConfig({
  tags: 'Failed',
  on: { desire: { target: 'deciding', actions: 'noteDesired' } },
});

/** Wanted, but not running. */
const stopped = machine.createStateConfig({
  tags: 'Stopped',
  on: { desire: { target: 'pending', actions: 'noteDesired' } },
});

export const containerMachine = machine.createMachine({
  id: 'container',
  context: ({ input }) => ({ ...input.context, resumeAt: input.resumeAt }),
  on: { desire: { actions: 'noteDesired' } },
  initial: 'entering',
  states: {
    /** Where hob found the container. */
    entering: {
      always: entryStates.map((state) => ({
        guard: { type: 'entersAt' as const, params: state },
        target: entryTarget(state),
      })),
    },
    pending,
    waiting,
    constructing,
    constructed,
    postConstruction,
    starting,
    alive,
    postStop,
    preDestruction,
    destroying,
    deciding,
    backoff,
    completed,
    failed,
    stopped,
    /** No source wants it, and nothing is left of it. */
    gone: { type: 'final' },
  },
});
