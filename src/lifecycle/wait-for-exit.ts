import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import type { Exit } from '../runtime/runtime.ts';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';
import { untilDone } from './until-done.ts';

/** Resolves when the container has ended, or as soon as hob is back if it ended meanwhile. Never gives up: nobody else asks. */
export const waitForExit = ({ runtime, log }: LifecycleParts): PromiseActorLogic<Exit, EffectInput> =>
  fromPromise(({ input: { container }, signal }) =>
    untilDone(
      () => runtime.waitForExit(container.id, instanceOf(container).id, signal),
      (err) => log.warn({ container: container.id, err }, 'its end cannot be waited for; trying again'),
      signal,
    ),
  );
