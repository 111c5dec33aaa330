/** Decides when the plugin folders are looked at: after a change, when it has become quiet, and every minute. */
export interface Rescans {
  /** Something changed. */
  hint(): void;
  /** Look now; looks never overlap. Resolves when this one is done. */
  now(): Promise<void>;
  /** Resolves when the look that there is, is done; there will be no other. */
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
/** A file that is written to all the time must not keep the other plugins from being seen. */
const QUIET_FACTOR = 10;

/** @param onFault told of a look that failed; the next one comes as if it had not */
export function createRescans(settleMs: number, look: () => Promise<void>, onFault: (error: unknown) => void): Rescans {
  let looking: Promise<void> = Promise.resolve();
  let settling: NodeJS.Timeout | undefined;
  let firstHint = 0;
  let isStopped = false;
  const everyMinute = setInterval(() => void now(), EVERY_MS).unref();

  function now(): Promise<void> {
    clearTimeout(settling);
    settling = undefined;
    looking = looking.then(() => (isStopped ? undefined : look())).catch(onFault);
    return looking;
  }

  return {
    now,
    hint() {
      if (isStopped) return;
      firstHint = settling ? firstHint : performance.now();
      clearTimeout(settling);
      const wait = Math.min(settleMs, Math.max(0, firstHint + QUIET_FACTOR * settleMs - performance.now()));
      settling = setTimeout(() => void now(), wait);
    },
    stop() {
      isStopped = true;
      clearTimeout(settling);
      clearInterval(everyMinute);
      return looking;
    },
  };
}
