import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createActor } from 'xstate';
import { leftOf, stop } from '../../src/lifecycle/stop.ts';
import type { LifecycleParts } from '../../src/lifecycle/parts.ts';
import { newContainer } from '../../machines/context.ts';
import type { ContainerContext, Instance } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const host = vi.hoisted(() => ({ uptime: 0 }));
vi.mock(import('node:os'), async (original) => ({ ...(await original()), uptime: () => host.uptime }));
// Its timers are not among those that are made fake.
vi.mock(import('node:timers/promises'), async (original) => {
  const delay = (ms?: number): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, ms, undefined));
  const timers = await original();
  return { ...timers, setTimeout: delay as typeof timers.setTimeout };
});

beforeEach(() => {
  vi.useFakeTimers();
  host.uptime = 5_000;
});
afterEach(() => void vi.useRealTimers());

const hash = { instance: 'one', resources: 'one' };
const desired = { spec: aSpec(), labels: {}, annotations: {}, generation: 1, hash, removed: true };

function stopping(change: Partial<Instance>): ContainerContext {
  const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' };
  const instance = { id: '01234567-1', spec: desired.spec, hash, generation: 1, ...change };
  return { ...newContainer(identity, desired), instance, instances: 1 };
}

/** What was sent after so many seconds of a grace period of 10 s. */
async function sentAfter(seconds: number, change: Partial<Instance> = {}): Promise<string[]> {
  const sent: string[] = [];
  const kill = async (_id: string, _instance: string, signal: string) => Promise.resolve(sent.push(signal) > 0);
  const parts = { runtime: { kill } } as unknown as LifecycleParts;
  const actor = createActor(stop(parts), { input: { container: stopping(change) } });
  actor.start();
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  actor.stop();
  return sent;
}

it('sends the stop signal, and KILL when the grace period is over', async () => {
  expect(await sentAfter(9)).toEqual(['SIGTERM']);
  expect(await sentAfter(11)).toEqual(['SIGTERM', 'SIGKILL']);
});

it('a new hob waits for what is left of the period', async () => {
  expect(await sentAfter(3, { stopAskedAt: 4_994 })).toEqual(['SIGTERM']);
  expect(await sentAfter(5, { stopAskedAt: 4_994 })).toEqual(['SIGTERM', 'SIGKILL']);
  expect(await sentAfter(1, { stopAskedAt: 4_000 })).toEqual(['SIGTERM', 'SIGKILL']);
});

it('setting the clock moves nothing', async () => {
  const anHour = 3_600_000;
  for (const step of [anHour, -anHour]) {
    vi.setSystemTime(Date.now() + step);
    expect(await sentAfter(3, { stopAskedAt: 4_994 })).toEqual(['SIGTERM']);
    expect(await sentAfter(5, { stopAskedAt: 4_994 })).toEqual(['SIGTERM', 'SIGKILL']);
  }
});

it('is never longer than the whole period', () => {
  expect(leftOf(10_000, 9_999, 1)).toBe(10_000);
  expect(leftOf(10_000, 1, 4)).toBe(7_000);
  expect(leftOf(10_000, 1, 9_999)).toBe(0);
});
