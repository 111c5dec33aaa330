import { setTimeout as delay } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import type { PromiseActorLogic } from 'xstate';
import type { ContainerSpec } from '../api/container.ts';
import { isOutdated } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

/** A process that SIGKILL does not end at once hangs in the kernel; asking again does no harm. */
const killAgainMs = 5_000;

/** Stop signal, grace, KILL, and KILL again. Goes on until the machine leaves the state, which it does when the exit is seen. */
export const stop = ({ runtime, log }: LifecycleParts): PromiseActorLogic<void, EffectInput> =>
  fromPromise<void, EffectInput>(async ({ input: { container }, signal }) => {
    const { id } = instanceOf(container);
    const { stopSignal, terminationGracePeriodSeconds } = stoppingSpec(container);
    const send = async (name: string): Promise<void> => {
      await runtime.kill(container.id, id, name).catch((err: unknown) => {
        log.warn({ container: container.id, err }, `could not send ${name}; trying again`);
      });
    };
    if (terminationGracePeriodSeconds > 0) {
      await send(stopSignal);
      await pause(terminationGracePeriodSeconds * 1000, signal);
    }
    while (!signal.aborted) {
      await send('SIGKILL');
      await pause(killAgainMs, signal);
    }
  });

/** How to stop is a thing of the spec in force, unless that one is for another instance. */
function stoppingSpec(container: ContainerContext): ContainerSpec {
  return isOutdated(container) ? instanceOf(container).spec : container.desired.spec;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
