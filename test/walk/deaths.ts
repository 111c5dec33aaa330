import type { Mark } from './boundary/plan.ts';

/** A mark as a process wrote it down on its way. */
export interface Passed extends Mark {
  readonly occurrence: number;
  /** Milliseconds on that process's own clock. */
  readonly at: number;
}

/** Below this, nothing happened between two marks but hob's own code; the world did not get on by itself. */
const sameMomentMs = 1;

/**
 * The moments to die at, of all that a process passed on its way. Between two marks nothing reaches the world outside, so one death
 * in each gap is enough: just after each effect, and just before it where the world had time to change.
 */
export function momentsToDie(trace: readonly Passed[]): Passed[] {
  return trace.filter((mark, index) => {
    const previous = trace[index - 1];
    return mark.phase === 'after' || !previous || mark.at - previous.at > sameMomentMs;
  });
}

/** Once just after each effect, however often it comes: a moment for every point, in less than half of the time. */
export const firstAfterEach = (trace: readonly Passed[]): Passed[] =>
  trace.filter(({ phase, occurrence }) => phase === 'after' && occurrence === 1);
