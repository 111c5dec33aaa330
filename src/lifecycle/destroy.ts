import { closeSync } from 'node:fs';
import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

/** Remove what the instance left on the host. Answers the time. */
export const destroy = ({ runtime, rootfs, descriptors }: LifecycleParts): PromiseActorLogic<number, EffectInput> =>
  fromPromise<number, EffectInput>(async ({ input: { container } }) => {
    const { id } = instanceOf(container);
    await runtime.discard(container.id, id);
    await rootfs.discard(container.id, id);
    descriptors.get(id)?.forEach(({ fd }) => closeSync(fd));
    descriptors.delete(id);
    return Date.now();
  });
