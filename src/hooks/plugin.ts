/**
 * The plugin interface: Dobby's `IDobbyPlugin`, in TypeScript. A plugin imports from this file and from
 * `hint-flags.ts`, and from nothing else of hob.
 */

export { MountFlags } from './mount-flags.ts';

/** The five moments of a container's life at which plugins take part, in the order they come. */
export const hookPoints = ['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction'] as const;
export type HookPoint = (typeof hookPoints)[number];

/** What every hook is told beside its own arguments. */
export interface HookContext {
  /** Fires when the hook's time limit is reached or the call is no longer wanted. A hook that ignores it is cut off. */
  readonly signal: AbortSignal;
  /** 1 for the first call; more when hob died during an earlier call and calls again. */
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
   * @returns the number the descriptor has inside the container (3 and up, in call order), or -1 when it is not open or not close-on-exec
   */
  addFileDescriptor(pluginName: string, fd: number): number;
  /** Add `NAME=value` to the environment of the command. False when it is not of that form. */
  addEnvironmentVariable(assignment: string): boolean;
  /**
   * Add a mount.
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
