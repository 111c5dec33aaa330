import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import { readBundle } from '../runtime/oci/bundle.ts';
import { resourcesUpdate } from '../runtime/oci-config.ts';
import type { EffectInput } from '../../machines/events.ts';
import type { ContainerContext, Desired } from '../../machines/context.ts';
import type { LifecycleParts } from './parts.ts';

/** What can change without a new instance. */
const change = (carryOut: (container: ContainerContext) => Promise<void>): PromiseActorLogic<void, EffectInput> =>
  fromPromise(({ input }) => carryOut(input.container));

export const pause = ({ runtime }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  change(({ id }) => runtime.pause(id));

export const unpause = ({ runtime }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  change(({ id }) => runtime.resume(id));

/** Answers what it applied. */
export const updateResources = ({ runtime }: LifecycleParts): PromiseActorLogic<Desired, EffectInput> =>
  fromPromise(async ({ input: { container } }) => {
    const { id, desired, instance } = container;
    const { bundle, resources } = desired.spec;
    const base = bundle && readBundle(bundle.path).config;
    await runtime.update(id, resourcesUpdate(resources, instance?.spec.resources, base));
    return desired;
  });
