/**
 * The plugin interface: Dobby's `IDobbyPlugin`, in TypeScript. A plugin imports from this file and from
 * `hint-flags.ts`, and from nothing else of hob.
 */

export { MountFlags } from './start-state/mount-flags.ts';

/** The five moments of a container's life at which plugins take part, in the order they come. */
export const hookPoints = ['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction'] as const;
export type HookPoint = (typeof hookPoints)[number];

/** What hob tells a plugin of its surroundings, once, when it makes it: Dobby's `IDobbyEnv`. Nothing of it changes afterwards. */
export interface PluginEnvironment {
  /** A folder of the plugin's own (mode 0700), for what has to outlive hob. It is there. */
  readonly stateDir: string;
  /** The name that this host goes by. */
  readonly nodeName: string;
  /** Which cgroup hierarchies containers are in. On a hybrid host 1, as that is where crun puts them. */
  readonly cgroupVersion: 1 | 2;
  /**
   * Where a cgroup controller (`memory`, `pids`, `cpu`, ...) is mounted; on version 2 the one hierarchy, for each that is there.
   * Undefined where the controller is not.
   */
  cgroupMountPath(controller: string): string | undefined;
  /** The cgroup of a container in a controller's hierarchy, unless its spec patches that path. It is there as long as the container is. */
  cgroupPath(containerID: string, controller: string): string | undefined;
}

/** The namespaces of a container that a program can be run in. */
export type Namespace = 'mount' | 'network' | 'ipc' | 'uts' | 'pid' | 'user' | 'cgroup';

export interface RunOptions {
  /**
   * Enter these namespaces of this process first (with nsenter), as root of the host unless `user` is one of them. With `mount`, the
   * program is looked up there: at preStart that still is the host's, and in `/proc/PID/root` of a container that runs, its own.
   */
  readonly in?: { readonly pid: number; readonly namespaces: readonly Namespace[] };
  /** Nothing by default. Together with the arguments at most 1 MiB. */
  readonly stdin?: string;
  /** Then the program and all it started is killed. 10 s by default. */
  readonly timeoutMs?: number;
  /** Kills it, too. */
  readonly signal?: AbortSignal;
}

export interface RunResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /** At most 64 KiB; more is dropped. */
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** What a plugin wants to remember of one container. JSON values; kept in a file, so a restart of hob changes nothing. */
export interface ContainerMetadata {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): void;
}

/** What Dobby's `IDobbyUtils` has and neither Node nor a library does. */
export interface PluginUtilities {
  /**
   * Run a program to its end, with the plugin's environment, in `/`. hob's keeper starts it: a start from this process would stop all
   * of hob for a moment. A code other than 0 is a result like any other; rejects when the program cannot be started or `signal` fires.
   */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** What is remembered of a container. Gone after the preDestruction of its instance, whether or not the plugin has that hook. */
  metadata(containerID: string): ContainerMetadata;
}

/** The default export of a module may make the plugin: Dobby's `createIDobbyPlugin`. A class that extends `PluginBase` is made with `new`. */
export type PluginFactory = (environment: PluginEnvironment, utilities: PluginUtilities) => Plugin | Promise<Plugin>;

/** What every hook is told beside its own arguments. */
export interface HookContext {
  /** Fires when the hook's time limit is reached or the call is no longer wanted. A hook that ignores it is cut off. */
  readonly signal: AbortSignal;
  /** 1 for the first call; more when hob, or the keeper that ran it, died during an earlier call and it is called again. */
  readonly attempt: number;
  /** The life of the container that this call belongs to; a restart is another instance. */
  readonly instanceID: string;
}

/** True, or a promise of it, when the hook did its part. False, a throw or a rejection is a failure. */
export type HookResult = boolean | Promise<boolean>;

/** What a postConstruction hook may add to a container. */
export interface StartState {
  /**
   * Hand an open file descriptor to the container.
   * @param pluginName the name the descriptor is recorded under
   * @param fd a descriptor of this process, with close-on-exec set; the caller keeps it and should close it
   * @param options `hold`: hob's keeper keeps a copy from the start of the container until it is destroyed, so that what is in a pipe
   * outlives both the container and hob. Whoever waits for the end of such a pipe sees it only then.
   * @returns the number the descriptor has inside the container (3 and up, in call order), or -1 when it is not open or not close-on-exec
   */
  addFileDescriptor(pluginName: string, fd: number, options?: { readonly hold?: boolean }): number;
  /** Add `NAME=value` to the environment of the command. False when it is not of that form. */
  addEnvironmentVariable(assignment: string): boolean;
  /**
   * Add a mount. False when it cannot be made; the source of a bind mount has to be there by now.
   * @param flags Linux `MS_*` bits (`MountFlags`), translated to OCI mount options
   * @param options further OCI mount options
   */
  addMount(source: string, target: string, fsType: string, flags?: number, options?: readonly string[]): boolean;
  /** The descriptors recorded so far, in call order; with a name, only those recorded under it. */
  files(pluginName?: string): readonly number[];
}

/**
 * Something that takes part in the lives of containers.
 *
 * `data` is the plugin's own `data` from the spec (null where there is none); `rootfsPath` is absolute and ends in "/";
 * `pid` is the host's pid of the container's init.
 */
export interface Plugin {
  /** Matched byte for byte with `spec.plugins[].name`. Constant. */
  readonly name: string;
  /** Which hook points the plugin takes part in (`HintFlags`). Read once, at load. */
  readonly hookHints: number;
  /** The rootfs exists, the container does not. The only hook with a start state. */
  postConstruction?(
    id: string,
    startState: StartState,
    rootfsPath: string,
    data: unknown,
    context: HookContext,
  ): HookResult;
  /** The container's namespaces and mounts exist, its command does not run yet, and the host's root is still reachable. */
  preStart?(id: string, pid: number, rootfsPath: string, data: unknown, context: HookContext): HookResult;
  /** The command runs. */
  postStart?(id: string, pid: number, rootfsPath: string, data: unknown, context: HookContext): HookResult;
  /** The container's init is gone. */
  postStop?(id: string, rootfsPath: string, data: unknown, context: HookContext): HookResult;
  /** Last call before the rootfs goes; also after a failed start, if postConstruction was called. */
  preDestruction?(id: string, rootfsPath: string, data: unknown, context: HookContext): HookResult;
}

/** Dobby's `PluginBase`: every hook answers true, so that a plugin has only to write those it has hints for. */
export abstract class PluginBase implements Plugin {
  abstract readonly name: string;
  abstract readonly hookHints: number;

  postConstruction(
    _id: string,
    _startState: StartState,
    _rootfsPath: string,
    _data: unknown,
    _context: HookContext,
  ): HookResult {
    return true;
  }

  preStart(_id: string, _pid: number, _rootfsPath: string, _data: unknown, _context: HookContext): HookResult {
    return true;
  }

  postStart(_id: string, _pid: number, _rootfsPath: string, _data: unknown, _context: HookContext): HookResult {
    return true;
  }

  postStop(_id: string, _rootfsPath: string, _data: unknown, _context: HookContext): HookResult {
    return true;
  }

  preDestruction(_id: string, _rootfsPath: string, _data: unknown, _context: HookContext): HookResult {
    return true;
  }
}
