import type { Plugin, PluginEnvironment, PluginFactory, PluginUtilities } from '../plugin.ts';

/** What can be tested: the default export of a module, or the path of an executable or its folder. */
export type Testable =
  Plugin | PluginFactory | (new (environment: PluginEnvironment, utilities: PluginUtilities) => Plugin) | string;

export interface TestOptions {
  /** What a factory or class is to be told instead of what it would be told here. An executable gets nothing of it. */
  readonly environment?: Partial<PluginEnvironment>;
}

/** What a hook is called with. All of it has defaults. */
export interface TestCall {
  /** Of the container; "test" by default. */
  readonly id?: string;
  /** As in `spec.plugins[].data`; null by default. */
  readonly data?: unknown;
  /** For preStart and postStart; by default this process stands for that of the container. */
  readonly pid?: number;
  /** By default a folder of the bench, which is empty at first. */
  readonly rootfsPath?: string;
  /** 2 or more: as if hob had died in the middle of the call before. */
  readonly attempt?: number;
  /** 30 by default. */
  readonly timeoutSeconds?: number;
  /** Fires when the container is to stop. */
  readonly signal?: AbortSignal;
}

/** What hob makes of a call. */
export interface TestResult {
  readonly ok: boolean;
  /** Why it failed: HookFailed, HookThrew, HookTimedOut, BadAnswer, ... */
  readonly reason?: string;
  /** The same for people. */
  readonly message?: string;
  /** What the container would get, each empty after all hooks but postConstruction and where that failed. `NAME=value`. */
  readonly env: readonly string[];
  readonly mounts: readonly {
    readonly source: string;
    readonly destination: string;
    readonly type: string;
    readonly options: readonly string[];
  }[];
  /** Copies in this process of the descriptors that would be 3, 4, ... in the container. Closed with the bench. */
  readonly fds: readonly number[];
}

/** A plugin under test. Its folders go with `await using`, or with `close`. */
export interface TestedPlugin extends AsyncDisposable {
  readonly name: string;
  readonly hookHints: number;
  /** The rootfs that hooks are told of. Ends in "/". */
  readonly rootfsPath: string;
  /** What a factory was told; `stateDir` is that of an executable, too. */
  readonly environment: PluginEnvironment;
  readonly utilities: PluginUtilities;
  /** What hob would have logged: what a start state did not take, what was thrown, what an executable wrote to stderr. */
  readonly logged: readonly string[];
  /** Each calls its hook; rejects when the plugin's hookHints leave it out. */
  postConstruction(call?: TestCall): Promise<TestResult>;
  preStart(call?: TestCall): Promise<TestResult>;
  postStart(call?: TestCall): Promise<TestResult>;
  postStop(call?: TestCall): Promise<TestResult>;
  preDestruction(call?: TestCall): Promise<TestResult>;
  close(): Promise<void>;
}
