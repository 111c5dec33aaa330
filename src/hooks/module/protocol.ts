/** What hob and the thread of an ES-module plugin say to each other. */

import type { FdTable } from '../start-state/fd-table.ts';
import type { HookPoint, RunResult } from '../plugin.ts';
import type { ProgramRequest } from '../plugin-programs.ts';
import type { HookOutcome, HookRequest } from '../registered-plugin.ts';
import type { Surroundings } from '../surroundings.ts';

/** What the thread is started with. */
export interface ThreadStart {
  /** The module to import. */
  readonly path: string;
  /** The plugin's own state folder. */
  readonly stateDir: string;
  readonly surroundings: Surroundings;
}

/**
 * Where a call stands, in shared memory: hob may take a call back as long as the thread has not begun it, and after the end of the
 * thread knows whether it had. One compare-and-exchange decides.
 */
export type CallState = Int32Array<SharedArrayBuffer>;
export const QUEUED = 0;
export const BEGUN = 1;
export const WITHDRAWN = 2;

export type ToThread =
  | {
      readonly kind: 'call';
      readonly call: number;
      readonly request: HookRequest;
      readonly state: CallState;
      readonly fds?: FdTable;
    }
  /** Fire the AbortSignal of a call. */
  | { readonly kind: 'abort'; readonly call: number; readonly reason: string }
  /** Answer, if nothing blocks you: this call goes on although it was told to end. */
  | { readonly kind: 'ping'; readonly call: number }
  /** What became of a program. */
  | { readonly kind: 'ran'; readonly outcome: ProgramOutcome };

export type FromThread =
  | { readonly kind: 'loaded'; readonly module: ModuleDescription }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'begun'; readonly call: number }
  /** The hook has done what it does before it waits for anything. */
  | { readonly kind: 'entered'; readonly call: number }
  | { readonly kind: 'ended'; readonly call: number; readonly outcome: HookOutcome }
  | { readonly kind: 'pong'; readonly call: number }
  | { readonly kind: 'complaint'; readonly message: string }
  /** Have a program run. */
  | { readonly kind: 'run'; readonly program: number; readonly request: ProgramRequest }
  | { readonly kind: 'cancel'; readonly program: number };

export type ProgramOutcome = { readonly program: number } & (
  | { readonly result: RunResult }
  /** Why it could not be run. */
  | { readonly fault: string }
);

/** What was found in a module; nothing of it is checked yet. */
export interface ModuleDescription {
  readonly name: unknown;
  readonly hookHints: unknown;
  /** The hook points it has a method for, and those of them for which it has more than what PluginBase does. */
  readonly methods: readonly HookPoint[];
  readonly written: readonly HookPoint[];
}

/** Move a call out of the queue; false when the other side was first. */
export const takeFromQueue = (state: CallState, to: typeof BEGUN | typeof WITHDRAWN): boolean =>
  Atomics.compareExchange(state, 0, QUEUED, to) === QUEUED;
