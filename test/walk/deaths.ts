import type { Mark } from './boundary/plan.ts';
import { keyOf } from './boundary/plan.ts';

/** A mark as a process wrote it down on its way. */
export interface Passed extends Mark {
  readonly occurrence: number;
  /** Milliseconds on that process's own clock. */
  readonly at: number;
}

/** Below this, nothing happened between two marks but hob's own code; the world did not get on by itself. */
const sameMomentMs = 1;
/** Of the files of a rootfs that is removed, say: the first and the last stand for all between. */
const mostAlike = 2;

/**
 * The moments to die at, of all that a process passed on its way. Between two marks nothing reaches the world outside, so one death
 * in each gap is enough: just after each effect, and just before it where the world had time to change.
 */
export function momentsToDie(trace: readonly Passed[]): Passed[] {
  const alike = countAlike(trace);
  return trace.filter((mark, index) => {
    const previous = trace[index - 1];
    const isBetween = mark.occurrence >= mostAlike && mark.occurrence < (alike.get(keyOf(mark)) ?? 0);
    if (isBetween) return false;
    return mark.phase === 'after' || !previous || mark.at - previous.at > sameMomentMs;
  });
}

function countAlike(trace: readonly Passed[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const mark of trace) counts.set(keyOf(mark), mark.occurrence);
  return counts;
}
