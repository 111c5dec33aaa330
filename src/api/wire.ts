import type { HookPoint } from '../hooks/plugin.ts';
import type { Container, SpecMistake } from './container.ts';

/** What travels over hob's API socket beside containers. All of it is plain JSON. */

/** The group, version and root path of hob's own API. */
export const apiRoot = '/apis/hob.dev/v1alpha1';

/** The answer to what could not be done, as Kubernetes words it. */
export interface StatusObject {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly status: 'Success' | 'Failure';
  /** CamelCase, for programs: NotFound, Conflict, BadRequest, Expired, ... */
  readonly reason?: string;
  /** For people. */
  readonly message: string;
  /** The HTTP status. */
  readonly code: number;
}

/** A journal event in the shape of a Kubernetes one. */
export interface EventObject {
  readonly apiVersion: 'v1';
  readonly kind: 'Event';
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion: string };
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly namespace?: string };
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly source: { readonly component: 'hob' };
}

/** Several objects of one kind. */
export interface ObjectList<Item> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: readonly Item[];
}

/**
 * One line of a watch. What is there at the beginning comes as ADDED, then a BOOKMARK says that this was all, then
 * come the changes. ERROR is the last line of a watch that hob ends.
 */
export type WatchLine<Item> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Item }
  | { readonly type: 'BOOKMARK' }
  | { readonly type: 'ERROR'; readonly object: StatusObject };

export type ContainerChange = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Container };

/** What `exec` asks for. */
export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  /** `uid` or `uid:gid`. */
  readonly user?: string;
  /** Absolute, in the container. */
  readonly cwd?: string;
  /** `NAME=value` each. */
  readonly env?: readonly string[];
}

/** The command line that the asker has to become, so that terminal, signals and exit code are the command's own. */
export interface ExecAnswer {
  readonly argv: readonly string[];
  /** A process whose mount namespace `argv` must run in, where that isn't the host's. */
  readonly mountNamespacePid?: number;
}

/** What became of one document of an applied file. */
export interface ApplyResult {
  /** `invalid`: see `mistakes`; `refused`: see `message`. */
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'invalid' | 'refused';
  readonly name?: string;
  readonly namespace?: string;
  readonly message?: string;
  readonly mistakes?: readonly SpecMistake[];
}

/** One plugin that hob found, loaded or not. */
export interface PluginInfo {
  readonly name: string;
  readonly kind: 'module' | 'executable';
  /** The file it was loaded from. */
  readonly path: string;
  /** Differs between two states of its files. */
  readonly version: string;
  /** With a warning it can be used all the same. */
  readonly state: 'ready' | 'warning' | 'broken';
  /** What is wrong with it. */
  readonly message?: string;
  /** In the order in which they come in the life of a container. */
  readonly hooks: readonly PluginHookInfo[];
}

/** One hook of a plugin, and how its calls went since hob's start. */
export interface PluginHookInfo {
  readonly point: HookPoint;
  readonly mode: 'sync' | 'async';
  readonly calls: number;
  readonly failures: number;
  /** In milliseconds; absent as long as there was no call. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** One source of specs and what is wrong with it. */
export interface SourceInfo {
  /** `directory:/etc/hob/containers` */
  readonly name: string;
  readonly synced: boolean;
  /** How many containers it declares. */
  readonly containers: number;
  /** Why it cannot be read now. */
  readonly unavailable?: string;
  /** What is wrong with what it declares now. */
  readonly mistakes: readonly SpecMistake[];
}

/** Who answers on the socket. */
export interface HobInfo {
  readonly version: string;
  readonly pid: number;
  /** The name of this host. */
  readonly node: string;
  readonly startedAt: string;
  readonly stateDir: string;
  readonly runDir: string;
}

/** One line of the progress of `down`. The last one has `done`. */
export interface DownProgress {
  readonly message: string;
  readonly done?: boolean;
  /** With `done`: of hob itself, which ends now. */
  readonly pid?: number;
}
