import type { HookPoint } from '../src/hooks/plugin.ts';
import type { Seen } from '../src/runtime/runtime.ts';
export type { Seen } from '../src/runtime/runtime.ts';
import type { Additions, ContainerContext, Desired, Failure } from './context.ts';

/** What the lifecycle machine hears and says: where it can be entered, what its effects are told and answer, its events. */

export const aliveStates = ['postStart', 'running', 'paused', 'stopping'] as const;

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
  'gone',
] as const;
export type EntryState = (typeof entryStates)[number];

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
export type SleepInput = { readonly until: number; readonly mostMs: number } | { readonly ms: number };

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
  /** A source still wants what it wanted before hob's last death, or cannot be asked. */
  | { type: 'confirmed' }
  /** Plugins came, changed or went. */
  | { type: 'pluginsChanged' }
  | ({ type: 'hooksDone' } & HooksDone)
  /** crun made the container and waits for the verdict of the preStart hooks. */
  | { type: 'created'; pid: number }
  /** The command runs. */
  | { type: 'started'; pid: number; startTime: number; startedAt: string }
  /** What a look at the cgroup of the container shows: others may have changed it. */
  | ({ type: 'seen' } & Seen)
  /** Its rootfs is no longer mounted where hob had made it. */
  | { type: 'unmounted' }
  /** Something else of the container was changed from outside; what became of it is told by a report. */
  | { type: 'tampered'; reason: string; message: string }
  /** The container's init is sent its stop signal for the first time; `at` in seconds since the host booted. */
  | { type: 'stopAsked'; at: number }
  /** crun refused; or the start was given up, because the container is no longer wanted. */
  | ({ type: 'startFailed' } & StartFailed);

export interface StartFailed extends Failure {
  readonly initExisted: boolean;
  /** crun got as far as executing the command. */
  readonly commandRefused?: boolean;
  /** Nothing was wrong with it. */
  readonly givenUp?: boolean;
}

/** What happened, for the event log. */
export interface Report {
  readonly type: 'report';
  readonly severity: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}
