/* eslint max-lines: ["error", { "max": 400, "skipBlankLines": true, "skipComments": true }] -- every transition is in this one file */
import { and, assign, not } from 'xstate';
import type { ContainerContext, Failure } from './context.ts';
import { aliveStates, entryStates } from './events.ts';
import type { EffectInput, EntryState, Report } from './events.ts';
import { machine, normal, warning } from './setup.ts';

/**
 * The lifecycle of one container: every state it can be in, and every way from one to another.
 *
 * Pure: what a state does to the host is an invoked actor, provided by `src/lifecycle`. After a restart of hob the machine
 * is entered at `resumeAt`, which is decided from what is really there, and that state's effect runs again: every effect
 * is idempotent.
 */

const entryTarget = (state: EntryState): string =>
  aliveStates.some((name) => name === state) ? `#container.alive.${state}` : `#container.${state}`;

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
    { guard: 'unconfirmed', target: 'held' },
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
  // The answer under way may not know of them yet, and nobody would ask again.
  on: { pluginsChanged: { target: 'pending', reenter: true } },
});

/** hob was restarted, and does not know yet whether the container is still wanted. */
const held = machine.createStateConfig({
  tags: 'Pending',
  on: {
    confirmed: { target: 'pending', actions: 'noteConfirmed' },
    desire: [
      { guard: 'staysEnded', target: 'deciding', actions: 'noteDesired' },
      { target: 'pending', actions: 'noteDesired' },
    ],
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

/** Whether to go on. After a death of hob in postConstruction the hooks were called before, so preDestruction may be due. */
const constructed = machine.createStateConfig({
  always: [
    { guard: 'hasFailed', target: 'preDestruction', actions: 'reportFailure' },
    { guard: 'unwanted', target: 'preDestruction', actions: 'noteStopping' },
    { guard: 'hasNoPlugins', target: 'starting' },
    { target: 'postConstruction' },
  ],
});

/** The rootfs exists, the container does not. From here on preDestruction is due. */
const postConstruction = machine.createStateConfig({
  tags: 'Constructing',
  entry: 'notePostConstructionBegun',
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
  invoke: { src: 'start', id: 'start', input: container },
  initial: 'creating',
  states: {
    creating: {
      on: {
        created: [
          { guard: 'unwanted', target: 'refusing', actions: ['noteCreated', 'noteStopping'] },
          { target: 'preStart', actions: 'noteCreated' },
        ],
      },
    },
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
          // crun may hang all the same.
          { guard: 'unwanted', target: 'refusing', actions: ['noteStopping', 'abortUnwantedStart'] },
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
    desire: { actions: ['noteDesired', 'abortUnwantedStart'] },
    started: { target: 'alive', actions: ['noteStarted', 'reportStarted'] },
    startFailed: [
      {
        guard: 'initExisted',
        target: 'postStop',
        actions: ['reportStartFailure', 'noteStartFailure'],
      },
      { target: 'preDestruction', actions: ['reportStartFailure', 'noteStartFailure'] },
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
  on: { unmounted: { guard: not('rootfsLost'), actions: ['noteUnmounted', 'reportUnmounted'] } },
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
      on: {
        seen: [
          { guard: 'seenPaused', target: 'paused', actions: ['forgetRefusal', 'reportPaused'] },
          { guard: 'seenOtherLimits', target: 'updating', actions: 'reportLimits' },
        ],
      },
    },
    pausing: {
      tags: 'Running',
      entry: 'noteChanging',
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
        { guard: 'resourcesDiffer', target: 'updatingPaused' },
      ],
      on: {
        seen: { guard: not('seenPaused'), target: 'running', actions: ['forgetRefusal', 'reportResumed'] },
      },
    },
    unpausing: {
      tags: 'Paused',
      entry: 'noteChanging',
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
      entry: 'noteChanging',
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: {
        src: 'updateResources',
        input: container,
        onDone: {
          target: 'running',
          actions: [
            { type: 'noteResources', params: answer },
            { type: 'report', params: normal('Updated', 'has new limits, without a restart') },
          ],
        },
        onError: { target: 'running', actions: [{ type: 'noteRefused', params: fault }, reportFault] },
      },
    },
    updatingPaused: {
      tags: 'Paused',
      entry: 'noteChanging',
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: {
        src: 'updateResources',
        input: container,
        onDone: {
          target: 'paused',
          actions: [
            { type: 'noteResources', params: answer },
            { type: 'report', params: normal('Updated', 'has new limits, and stays paused') },
          ],
        },
        onError: { target: 'paused', actions: [{ type: 'noteRefused', params: fault }, reportFault] },
      },
    },
    stopping: {
      tags: 'Stopping',
      entry: ['noteStopping', 'reportStopping'],
      always: { guard: 'hasExited', target: '#container.postStop' },
      invoke: { src: 'stop', input: container },
      on: { stopAsked: { actions: 'noteStopAsked' } },
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
    { guard: not('postConstructionBegun'), target: 'destroying' },
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
    // Its command has yet to run: that it is to run once only is no reason not to start it.
    { guard: and([not('commandRan'), 'rebooted']), target: 'pending', actions: 'forgiveFailures' },
    { guard: not('commandRan'), target: 'backoff', actions: 'reportBackoff' },
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
    // Another restart policy since it ended.
    { guard: 'staysEnded', target: 'deciding' },
  ],
  invoke: {
    src: 'sleep',
    input: ({ context: { nextStartAt = 0, closedAt = nextStartAt } }) => ({
      until: nextStartAt,
      mostMs: nextStartAt - closedAt,
    }),
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
  on: { desire: { actions: 'noteDesired' }, tampered: { actions: 'reportTampering' } },
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
    held,
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
