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
    const fds = descriptors.get(id) ?? [];
    // First: what fails is run again, and must not close what somebody else has by then.
    descriptors.delete(id);
    for (const { fd } of fds) closeSync(fd);
    return Date.now();
  });
