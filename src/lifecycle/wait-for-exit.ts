import { setTimeout as delay } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import type { Exit } from '../runtime/runtime.ts';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

const askAgainMs = 1_000;

/** Resolves when the container has ended, or as soon as hob is back if it ended meanwhile. Never gives up: nobody else asks. */
export const waitForExit = ({ runtime, log }: LifecycleParts): PromiseActorLogic<Exit, EffectInput> =>
  fromPromise(async ({ input: { container }, signal }) => {
    for (;;) {
      try {
        return await runtime.waitForExit(container.id, instanceOf(container).id, signal);
      } catch (err) {
        signal.throwIfAborted();
        log.warn({ container: container.id, err }, 'its end cannot be waited for; trying again');
        await delay(askAgainMs, undefined, { signal });
      }
    }
  });
