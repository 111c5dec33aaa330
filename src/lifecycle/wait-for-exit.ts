import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import type { Exit } from '../runtime/runtime.ts';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

/** Resolves when the container has ended, or as soon as hob is back if it ended meanwhile. */
export const waitForExit = ({ runtime }: LifecycleParts): PromiseActorLogic<Exit, EffectInput> =>
  fromPromise<Exit, EffectInput>(({ input: { container }, signal }) =>
    runtime.waitForExit(container.id, instanceOf(container).id, signal),
  );
