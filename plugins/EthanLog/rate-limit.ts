/** How many records a container may write. */
export interface Rate {
  /** Records a second, in the long run. */
  readonly rate: number;
  /** How many at once. */
  readonly burstSize: number;
}

/** Records that were refused since the last time that somebody asked. */
export interface Refusals {
  readonly count: number;
  /** From the first of them until now. */
  readonly seconds: number;
}

export interface RateLimit {
  /** Whether one more record is within the limit; if not, it counts as refused. */
  admits(): boolean;
  /** What was refused; it is forgotten with that. Undefined when nothing was. */
  takeRefusals(): Refusals | undefined;
}

/**
 * A bucket of tokens: full at first, each record costs one, and `rate` of them come back in a second.
 * @param now a clock that never goes back, in milliseconds
 */
export function createRateLimit({ rate, burstSize }: Rate, now: () => number): RateLimit {
  let tokens = burstSize;
  let filledAt = now();
  let refused: { count: number; since: number } | undefined;

  function fill(): void {
    const at = now();
    tokens = Math.min(burstSize, tokens + ((at - filledAt) / 1000) * rate);
    filledAt = at;
  }

  return {
    admits() {
      fill();
      if (tokens >= 1) {
        tokens -= 1;
        return true;
      }
      refused ??= { count: 0, since: now() };
      refused.count += 1;
      return false;
    },
    takeRefusals() {
      const taken = refused && { count: refused.count, seconds: (now() - refused.since) / 1000 };
      refused = undefined;
      return taken;
    },
  };
}
