import type { HookPoint } from '../src/hooks/plugin.ts';
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
