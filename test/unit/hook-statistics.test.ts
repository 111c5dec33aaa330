import { expect, it } from 'vitest';
import { createHookStatistics } from '../../src/hooks/statistics.ts';

it('a hook that was never called has no figures', () => {
  const statistics = createHookStatistics();
  statistics.record('net', 'preStart', { ok: true, durationMs: 1 });
  expect(statistics.of('net', 'postStart')).toBeUndefined();
  expect(statistics.of('other', 'preStart')).toBeUndefined();
});

it('calls and failures are counted for each plugin and hook point', () => {
  const statistics = createHookStatistics();
  statistics.record('net', 'preStart', { ok: true, durationMs: 1 });
  statistics.record('net', 'preStart', { ok: false, durationMs: 1 });
  statistics.record('net', 'postStop', { ok: true, durationMs: 1 });
  expect(statistics.of('net', 'preStart')).toMatchObject({ calls: 2, failures: 1 });
  expect(statistics.of('net', 'postStop')).toMatchObject({ calls: 1, failures: 0 });
});

it('half of the calls are within p50, and 99 of 100 within p99, to a hundredth', () => {
  const statistics = createHookStatistics();
  for (let ms = 1; ms <= 1000; ms++) statistics.record('net', 'preStart', { ok: true, durationMs: ms });
  const { p50Ms = 0, p99Ms = 0 } = statistics.of('net', 'preStart') ?? {};
  expect(Math.abs(p50Ms - 500)).toBeLessThan(5);
  expect(Math.abs(p99Ms - 990)).toBeLessThan(10);
});

it('a call of no time and one of a day are counted like any other', () => {
  const statistics = createHookStatistics();
  statistics.record('net', 'preStart', { ok: true, durationMs: 0 });
  statistics.record('net', 'preStart', { ok: true, durationMs: 86_400_000 });
  expect(statistics.of('net', 'preStart')?.calls).toBe(2);
  expect(statistics.of('net', 'preStart')?.p99Ms).toBeGreaterThan(3_500_000);
});
