import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import { RootfsError } from '../rootfs/rootfs-error.ts';
import type { Constructed, EffectInput } from '../../machines/events.ts';
import type { ContainerContext } from '../../machines/context.ts';
import { rootfsOf } from '../runtime/oci/bundle.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

/** Make the rootfs, so that postConstruction hooks find one. */
export const construct = (parts: LifecycleParts): PromiseActorLogic<Constructed, EffectInput> =>
  fromPromise<Constructed, EffectInput>(async ({ input }) => {
    try {
      await parts.pruneLogs(input.container);
      return { ok: true, rootfsPath: await prepareRootfs(parts, input.container) };
    } catch (error) {
      if (!(error instanceof RootfsError)) throw error;
      return { ok: false, reason: error.reason, message: error.message };
    }
  });

/** Idempotent: what was prepared before is found again. */
export async function prepareRootfs({ rootfs }: LifecycleParts, container: ContainerContext): Promise<string> {
  const { id, spec } = instanceOf(container);
  const { path } = await rootfs.prepare({
    id: container.id,
    instanceID: id,
    ...rootfsOf(spec),
    ...(spec.userNamespace && { mappedRootUID: spec.userNamespace.hostUID }),
  });
  return path;
}
