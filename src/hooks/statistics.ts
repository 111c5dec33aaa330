import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { HookPoint } from './plugin.ts';

/** How the calls of one plugin at one hook point went, since hob's start. */
export interface HookFigures {
  readonly calls: number;
  readonly failures: number;
  /** In milliseconds, 1 % too long at most: half of the calls took no longer. */
  readonly p50Ms: number;
  /** 99 of 100 calls took no longer. */
  readonly p99Ms: number;
}

/** Counts calls and how long they took. In memory: a new hob begins anew. */
export interface HookStatistics {
  record(plugin: string, point: HookPoint, call: { readonly ok: boolean; readonly durationMs: number }): void;
  /** Undefined when there was no call. */
  of(plugin: string, point: HookPoint): HookFigures | undefined;
}

interface Tally {
  readonly microseconds: RecordableHistogram;
  failures: number;
}

/** A histogram of this range and precision takes 26 KB; it is there from the first call on. */
const HOUR_US = 3_600_000_000;
const shape = { lowest: 1, highest: HOUR_US, figures: 2 };

export function createHookStatistics(): HookStatistics {
  const tallies = new Map<string, Tally>();

  function newTally(key: string): Tally {
    const tally = { microseconds: createHistogram(shape), failures: 0 };
    tallies.set(key, tally);
    return tally;
  }

  return {
    record(plugin, point, { ok, durationMs }) {
      const key = `${point} ${plugin}`;
      const tally = tallies.get(key) ?? newTally(key);
      tally.microseconds.record(Math.min(HOUR_US, Math.max(1, Math.round(durationMs * 1000))));
      if (!ok) tally.failures++;
    },
    of(plugin, point) {
      const tally = tallies.get(`${point} ${plugin}`);
      return tally && figuresOf(tally);
    },
  };
}

const figuresOf = ({ microseconds, failures }: Tally): HookFigures => ({
  calls: microseconds.count,
  failures,
  p50Ms: microseconds.percentile(50) / 1000,
  p99Ms: microseconds.percentile(99) / 1000,
});
