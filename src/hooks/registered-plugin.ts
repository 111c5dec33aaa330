import type { FdTable } from './start-state/fd-table.ts';
import type { HookPoint } from './plugin.ts';
import type { PluginAdditions } from './start-state/additions.ts';

/** Where this part reports what people should know; a pino logger fits. */
export interface HookLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One call of one hook, as plain data: it goes to another thread or process. */
export interface HookRequest {
  readonly point: HookPoint;
  readonly id: string;
  readonly instanceID: string;
  /** Of the container's init; only preStart and postStart have one. */
  readonly pid?: number;
  /** Absolute, ends in "/". */
  readonly rootfsPath: string;
  readonly data: unknown;
  readonly attempt: number;
}

/** Why a hook counts as failed. */
export const failureReasons = [
  /** It answered false, or exited with another code than 0. */
  'HookFailed',
  /** It threw, or its promise was rejected. */
  'HookThrew',
  'HookTimedOut',
  /** The container was to stop, so the hook was told to end. */
  'HookAborted',
  /** Its thread or process came to an end in the middle of the call, or could not be started. */
  'PluginCrashed',
  /** Whoever ran its process was lost in the middle of the call, and what came of it with them; it is called again. */
  'KeeperLost',
  'PluginNotFound',
  /** What it answered is neither true nor false, or not the JSON that was asked for. */
  'BadAnswer',
  /** It adds to the container what another plugin adds in another way. */
  'Conflict',
  /** The journal could not record the call, so it was not made. */
  'JournalFailed',
] as const;
export type HookFailureReason = (typeof failureReasons)[number];

export type HookFailure = { readonly ok: false; readonly reason: HookFailureReason; readonly message: string };
export type HookOutcome = { readonly ok: true; readonly additions?: PluginAdditions } | HookFailure;

/** How long a call may take, and who may end it. */
export interface HookLimits {
  readonly timeoutMs: number;
  /** How long after its AbortSignal a hook may still end by itself. */
  readonly graceMs: number;
  /** Fires when the container is to stop. */
  readonly signal: AbortSignal;
  /** Called when the hook has begun and done what it does before it waits for anything, or has ended. */
  readonly onBegun?: () => void;
  /** Where a postConstruction hook's file descriptors are collected. */
  readonly fds?: FdTable;
}

/** What a plugin says of itself. */
export interface PluginIdentity {
  readonly name: string;
  readonly hookHints: number;
  /** What is odd about it, for its author. It works all the same. */
  readonly warnings: readonly string[];
}

/** One version of one plugin, ready to be called. */
export interface RegisteredPlugin extends PluginIdentity {
  readonly kind: 'module' | 'executable';
  readonly path: string;
  /** Differs between two states of the plugin's files. */
  readonly version: string;
  /** Never rejects, and settles at the latest a grace after the limit or the signal; stays pending when hob closes its plugins. */
  call(request: HookRequest, limits: HookLimits): Promise<HookOutcome>;
  /** Its files are not what they were: from now on it may only be called as long as `isUsable`. */
  retire(): void;
  /** Whether there is an instance that it serves: then it has to be there, between its calls too. */
  setNeeded(isNeeded: boolean): void;
  isUsable(): boolean;
  /** Why it cannot do its part at the moment, though it was loaded; undefined when all is well. */
  fault(): string | undefined;
  close(): Promise<void>;
}

export const failed = (reason: HookFailureReason, message: string): HookFailure => ({ ok: false, reason, message });
