import { afterEach, expect, it, vi } from 'vitest';
import { callHook } from '../../src/hooks/hook-call.ts';
import { failed, type HookOutcome, type RegisteredPlugin } from '../../src/hooks/registered-plugin.ts';
import { createHookStatistics } from '../../src/hooks/statistics.ts';
import { memoryJournal, use } from '../support/plugins.ts';

afterEach(() => vi.restoreAllMocks());

const lost = failed('KeeperLost', 'the keeper has ended');

/** Call a hook whose calls take so long and end like this, one after the other. */
async function call(...outcomes: { ms: number; outcome: HookOutcome }[]) {
  let now = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
  const plugin: Pick<RegisteredPlugin, 'call'> = {
    call: async () => {
      const { ms, outcome } = outcomes.shift() ?? { ms: 0, outcome: failed('HookFailed', 'once too often') };
      now += ms;
      return outcome;
    },
  };
  const journal = memoryJournal();
  const statistics = createHookStatistics();
  const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const ended = await callHook(
    {
      point: 'preStart',
      container: { id: 'web', instanceID: 'a-1', rootfsPath: '/rootfs/' },
      journal,
      log,
      statistics,
      signal: new AbortController().signal,
      graceMs: 100,
      earlier: () => [],
    },
    { use: use('p'), plugin: plugin as RegisteredPlugin, mode: 'sync' },
    () => undefined,
  );
  return { ended, rows: journal.hookCalls('web'), figures: statistics.of('p', 'preStart') };
}

it('a call that the keeper was lost over is made again; its time is not that of the next', async () => {
  const { ended, rows, figures } = await call({ ms: 5000, outcome: lost }, { ms: 7, outcome: { ok: true } });
  expect(ended).toEqual({ outcome: { ok: true }, durationMs: 7 });
  expect(rows).toEqual([
    expect.not.objectContaining({ endedAt: expect.anything() }),
    expect.objectContaining({ attempt: 2, outcome: 'ok', durationMs: 7 }),
  ]);
  expect(figures).toMatchObject({ calls: 1, failures: 0, p50Ms: expect.closeTo(7, 0) });
});

it('the third that the keeper is lost over is a failure', async () => {
  const { ended, rows, figures } = await call(
    { ms: 10, outcome: lost },
    { ms: 20, outcome: lost },
    { ms: 30, outcome: lost },
  );
  expect(ended).toEqual({ outcome: lost, durationMs: 30 });
  expect(rows.map(({ outcome }) => outcome)).toEqual([undefined, undefined, 'failed']);
  expect(figures).toMatchObject({ calls: 1, failures: 1 });
});
