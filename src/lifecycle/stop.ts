import { setTimeout as delay } from 'node:timers/promises';
import { uptime } from 'node:os';
import { fromCallback } from 'xstate';
import type { AnyEventObject, CallbackActorLogic } from 'xstate';
import type { ContainerSpec } from '../api/container.ts';
import { isOutdated } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { EffectInput } from '../../machines/events.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

/** A process that SIGKILL does not end at once hangs in the kernel; asking again does no harm. */
const killAgainMs = 5_000;

/**
 * Stop signal, grace, KILL, and KILL again. Goes on until the machine leaves the state, which it does when the exit is seen. Of a stop that
 * an earlier hob began, what is left of the grace period is waited for.
 */
export const stop = (parts: LifecycleParts): CallbackActorLogic<AnyEventObject, EffectInput> =>
  fromCallback<AnyEventObject, EffectInput>(({ input: { container }, sendBack }) => {
    const left = new AbortController();
    const { stopAskedAt } = instanceOf(container);
    const graceMs = stoppingSpec(container).terminationGracePeriodSeconds * 1000;
    const graceLeftMs = stopAskedAt === undefined ? graceMs : leftOf(graceMs, stopAskedAt, uptime());
    if (stopAskedAt === undefined && graceMs > 0) sendBack({ type: 'stopAsked', at: uptime() });
    void insist(parts, container, { graceMs, graceLeftMs }, left.signal);
    return () => left.abort();
  });

/**
 * How much of a grace period is left, in milliseconds: never more than all of it.
 * @param askedAt when the stop signal was sent, and `now`, both in seconds since the host booted
 */
export const leftOf = (graceMs: number, askedAt: number, now: number): number =>
  Math.min(graceMs, Math.max(0, graceMs - (now - askedAt) * 1000));

async function insist(
  { runtime, log }: LifecycleParts,
  container: ContainerContext,
  { graceMs, graceLeftMs }: { readonly graceMs: number; readonly graceLeftMs: number },
  signal: AbortSignal,
): Promise<void> {
  const { id } = instanceOf(container);
  const { stopSignal } = stoppingSpec(container);
  const send = async (name: string): Promise<void> => {
    await runtime.kill(container.id, id, name).catch((err: unknown) => {
      log.warn({ container: container.id, err }, `could not send ${name}; trying again`);
    });
  };
  if (graceMs > 0) {
    await send(stopSignal);
    await pause(graceLeftMs, signal);
  }
  while (!signal.aborted) {
    await send('SIGKILL');
    await pause(killAgainMs, signal);
  }
}

/** How to stop is a thing of the spec in force, unless that one is for another instance. */
function stoppingSpec(container: ContainerContext): ContainerSpec {
  return isOutdated(container) ? instanceOf(container).spec : container.desired.spec;
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
