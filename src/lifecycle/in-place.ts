import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import { readBundle } from '../runtime/bundle.ts';
import { resourcesUpdate } from '../runtime/oci-config.ts';
import type { EffectInput } from '../../machines/events.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { LifecycleParts } from './parts.ts';

/** What can change without a new instance. */
const change = (carryOut: (container: ContainerContext) => Promise<void>): PromiseActorLogic<void, EffectInput> =>
  fromPromise(({ input }) => carryOut(input.container));

export const pause = ({ runtime }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  change(({ id }) => runtime.pause(id));

export const unpause = ({ runtime }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  change(({ id }) => runtime.resume(id));

export const updateResources = ({ runtime }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  change(({ id, desired: { spec }, instance }) => {
    const bundle = spec.bundle && readBundle(spec.bundle.path).config;
    return runtime.update(id, resourcesUpdate(spec.resources, instance?.spec.resources, bundle));
  });
