import { assign, emit, enqueueActions, fromCallback, fromPromise, sendTo, setup } from 'xstate';
import type { AnyEventObject } from 'xstate';
import type { Phase } from '../src/api/container.ts';
import type { Exit } from '../src/runtime/runtime.ts';
import {
  closeInstance,
  commandRan,
  describeExit,
  isUnwanted,
  mayStartAfresh,
  nextInstance,
  staysEnded,
  withInstance,
  withResourcesOf,
} from './context.ts';
import type { ContainerContext, Desired, Failure, Instance } from './context.ts';
import type {
  AnswerInput,
  Constructed,
  ContainerEvent,
  ContainerInput,
  EffectInput,
  EntryState,
  HooksDone,
  HooksInput,
  Report,
  SleepInput,
} from './events.ts';

/**
 * The vocabulary of the lifecycle machine: the effects that its states invoke (stubs here, provided by `src/lifecycle`),
 * the questions its transitions ask, and what they take note of. Which state leads where is in container.ts alone.
 */

export const normal = (reason: string, message: string): Report => ({
  type: 'report',
  severity: 'Normal',
  reason,
  message,
});
export const warning = (reason: string, message: string): Report => ({
  type: 'report',
  severity: 'Warning',
  reason,
  message,
});

/** What is told of the end of an instance. */
export function exitReport({ exit, stopping }: Pick<Instance, 'exit' | 'stopping'> = {}): Report {
  if (!exit) return normal('Exited', 'ended');
  const expected = stopping === true || exit.code === 0;
  return (expected ? normal : warning)(exit.oomKilled ? 'OOMKilled' : 'Exited', describeExit(exit));
}

const stub = (name: string): never => {
  throw new Error(`the effect "${name}" was not provided`);
};

export const machine = setup({
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
    /** Have crun run the container; answers `created` (when preStart hooks are waited for), `started` or `startFailed`. Gives a start up on `abort`. */
    start: fromCallback<AnyEventObject, EffectInput>(() => stub('start')),
    answerPreStart: fromPromise<void, AnswerInput>(() => stub('answerPreStart')),
    waitForExit: fromPromise<Exit, EffectInput>(() => stub('waitForExit')),
    pause: fromPromise<void, EffectInput>(() => stub('pause')),
    unpause: fromPromise<void, EffectInput>(() => stub('unpause')),
    /** Answers what it applied. */
    updateResources: fromPromise<Desired, EffectInput>(() => stub('updateResources')),
    /** Stop signal, grace, KILL; the end itself is seen by `waitForExit`. Answers `stopAsked`, once an instance. */
    stop: fromCallback<AnyEventObject, EffectInput>(() => stub('stop')),
    /** Remove what the instance left: crun's state, bundle, rootfs. Answers the time, milliseconds since the epoch: the machine has no clock. */
    destroy: fromPromise<number, EffectInput>(() => stub('destroy')),
    sleep: fromPromise<void, SleepInput>(() => stub('sleep')),
  },
  guards: {
    entersAt: ({ context }, state: EntryState) => context.resumeAt === state,
    unconfirmed: ({ context }) => context.unconfirmed === true,
    removed: ({ context }) => context.desired.removed,
    wantsStopped: ({ context }) => context.desired.spec.desiredState === 'Stopped',
    wantsPaused: ({ context }) => context.desired.spec.desiredState === 'Paused' && !wasRefused(context),
    wantsUnpaused: ({ context }) => context.desired.spec.desiredState !== 'Paused' && !wasRefused(context),
    resourcesDiffer: ({ context }) =>
      context.instance?.hash.resources !== context.desired.hash.resources && !wasRefused(context),
    unwanted: ({ context }) => isUnwanted(context),
    mayStartAfresh: ({ context }) => mayStartAfresh(context),
    staysEnded: ({ context, event }) => staysEnded(event.type === 'desire' ? { ...context, ...event } : context),
    rebooted: ({ context }) => context.instance?.hostRestarted === true,
    wantsNoPlugins: ({ context }) => context.desired.spec.plugins.length === 0,
    hasNoPlugins: ({ context }) => context.instance?.spec.plugins.length === 0,
    hasFailed: ({ context }) => context.instance?.failure !== undefined,
    hasExited: ({ context }) => context.instance?.exit !== undefined,
    postConstructionBegun: ({ context }) => context.instance?.postConstructionBegun === true,
    commandRan: ({ context }) => commandRan(context),
    endedWell: ({ context }) => context.instance?.exit?.code === 0,
    restartsAlways: ({ context }) => context.desired.spec.restartPolicy === 'Always',
    restartsNever: ({ context }) => context.desired.spec.restartPolicy === 'Never',
    someMissing: (_, plugins: readonly string[]) => plugins.length > 0,
    /** Seen by this start, or by the one that an earlier hob began. */
    initExisted: ({ context, event }) =>
      (event.type === 'startFailed' && event.initExisted) || context.instance?.initExisted === true,
    rootfsLost: ({ context }) => context.instance?.rootfsLost === true,
    seenPaused: ({ event }) => event.type === 'seen' && event.paused,
    seenOtherLimits: ({ context, event }) => event.type === 'seen' && event.limits.length > 0 && !wasRefused(context),
    hooksFailed: ({ event }) => event.type === 'hooksDone' && !event.ok,
  },
  actions: {
    noteDesired: assign(({ event }) => (event.type === 'desire' ? { desired: event.desired, unconfirmed: false } : {})),
    noteConfirmed: assign({ unconfirmed: false }),
    /** Hooks that lead to a container nobody wants any more need not be waited for to the end of their time limit. */
    abortUnwantedHooks: enqueueActions(({ context, enqueue }) => {
      if (isUnwanted(context)) enqueue.sendTo('hooks', { type: 'abort' });
    }),
    abortHooks: sendTo('hooks', { type: 'abort' }),
    /** A start that does not come to an end need not be waited for either. */
    abortUnwantedStart: enqueueActions(({ context, enqueue }) => {
      if (isUnwanted(context)) enqueue.sendTo('start', { type: 'abort' });
    }),

    beginInstance: assign(({ context }) => ({
      instance: nextInstance(context),
      instances: context.instances + 1,
      hookFailures: [],
      // It may have been refused because the last one was about to end.
      refused: undefined,
    })),
    noteConstructed: assign(({ context }, result: Constructed) =>
      withInstance(context, result.ok ? { rootfsPath: result.rootfsPath } : { failure: failureOf(result) }),
    ),
    notePostConstructionBegun: assign(({ context }) => withInstance(context, { postConstructionBegun: true })),
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
            initExisted: event.initExisted || context.instance?.initExisted === true,
            ...(event.commandRefused && { commandRefused: true }),
            ...(event.givenUp && { stopping: true }),
          })
        : {},
    ),
    noteFailure: assign(({ context }, failure: Failure) => withInstance(context, { failure: failureOf(failure) })),
    noteStopAsked: assign(({ context, event }) =>
      event.type === 'stopAsked' ? withInstance(context, { stopAskedAt: event.at }) : {},
    ),
    noteStopping: assign(({ context }) => withInstance(context, { stopping: true })),
    noteExit: assign(({ context }, exit: Exit) => withInstance(context, { exit })),
    noteRefused: assign(({ context }, failure: Failure) => ({
      refused: { ...failureOf(failure), generation: context.changingTo ?? context.desired.generation },
    })),
    noteChanging: assign({ changingTo: ({ context }) => context.desired.generation }),
    /** Of what was applied: something else may be wanted meanwhile. */
    noteResources: assign(({ context }, applied: Desired) => withResourcesOf(context, applied)),
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
      const { point, message } = event;
      // Of a point that a new hob came to once more, it is there already.
      const others = context.hookFailures.filter((failure) => failure.point !== point);
      enqueue.assign({ hookFailures: [...others, { point, message }] });
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
    /** Unless a hook refused, which was told, or hob itself did because the container is no longer wanted. */
    reportStartFailure: enqueueActions(({ context, enqueue, event }) => {
      const isKnown = context.instance?.failure !== undefined || context.instance?.stopping === true;
      if (event.type === 'startFailed' && !isKnown && !event.givenUp)
        enqueue.emit(warning(event.reason, event.message));
    }),
    reportMissingPlugins: emit(({ context }) => {
      return warning('PluginNotFound', `waits for plugin ${context.missingPlugins.join('; for plugin ')}`);
    }),
    reportStarted: emit(({ context }) => normal('Started', `started, pid ${context.instance?.pid}`)),
    reportStopping: emit(({ context }) => normal('Stopping', `is being stopped: ${whyUnwanted(context)}`)),
    reportExit: emit(({ context }) => exitReport(context.instance)),
    /** What was refused before somebody else changed it no longer counts. */
    forgetRefusal: assign({ refused: undefined }),
    reportPaused: emit(warning('PausedOutside', 'was paused from outside; it is resumed, as its spec says Running')),
    reportResumed: emit(warning('ResumedOutside', 'was resumed from outside; it is paused, as its spec says Paused')),
    reportLimits: emit(({ event }) => {
      const limits = event.type === 'seen' ? event.limits.join('; ') : '';
      return warning('LimitsChangedOutside', `its limits were changed from outside (${limits}); they are set again`);
    }),
    noteUnmounted: assign(({ context }) => withInstance(context, { rootfsLost: true })),
    reportUnmounted: emit(
      warning(
        'RootfsUnmounted',
        'its rootfs was unmounted from outside, or went with the mount namespace that hob made; it runs on with it, but hooks at its end will not find the files; to mend that, restart it',
      ),
    ),
    reportTampering: enqueueActions(({ enqueue, event }) => {
      if (event.type === 'tampered') enqueue.emit(warning(event.reason, event.message));
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
  if (context.desired.removed) return 'it is no longer wanted';
  if (context.desired.spec.desiredState === 'Stopped') return 'its spec says desiredState Stopped';
  return 'its spec changed in a way that needs a new instance';
}
