import type { PluginUse } from '../api/container.ts';
import type { HookPointRequest, HookPointResult } from '../hooks/dispatcher.ts';
import type { Rootfs } from '../rootfs/rootfs.ts';
import type { GivenFd, OciConfig, Runtime } from '../runtime/runtime.ts';
import type { Additions, ContainerContext, Instance } from '../../machines/context.ts';

/** What the effects work with. */
export interface LifecycleParts {
  readonly runtime: Runtime;
  readonly rootfs: Rootfs;
  readonly plugins: {
    /** Of the required ones, those that are not there, each with why. */
    missing(uses: readonly PluginUse[]): string[];
    /** Whether any of them has a preStart hook. */
    waitForPreStart(uses: readonly PluginUse[], instanceID: string): boolean;
    run(
      container: { readonly namespace: string; readonly name: string },
      request: Pick<HookPointRequest, 'point' | 'container' | 'plugins' | 'given' | 'signal'>,
    ): Promise<HookPointResult>;
  };
  /** The OCI configuration of an instance. Throws what is wrong with it, in words. */
  readonly configure: (id: string, instance: Instance, rootfsPath: string) => OciConfig;
  /** Where its output goes. */
  readonly logOf: (id: string, instance: Instance) => { path: string; maxSizeBytes: number; maxFiles: number };
  /** Remove the logs of instances that nobody can ask for any more. */
  readonly pruneLogs: (container: ContainerContext) => Promise<void>;
  /** File descriptors that plugins gave to an instance which has not started yet; they die with this hob. */
  readonly descriptors: Map<string, readonly GivenFd[]>;
  readonly log: { warn: (fields: object, message: string) => void };
}

/** The instance an effect is about; the machine has one in every state that has an effect on the host. */
export function instanceOf(container: ContainerContext): Instance {
  if (!container.instance) throw new Error(`container ${container.id} has no instance; this is a fault of hob`);
  return container.instance;
}

export const noAdditions: Additions = { env: [], mounts: [], fdCount: 0 };
