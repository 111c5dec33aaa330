/** Decides when the plugin folders are looked at: after a change, when it has become quiet, and every minute. */
export interface Rescans {
  /** Something changed. */
  hint(): void;
  /** Look now; looks never overlap. Resolves when this one is done. */
  now(everything: boolean): Promise<void>;
  stop(): Promise<void>;
}

const EVERY_MS = 60_000;
/** A file that is written to all the time must not keep the other plugins from being seen. */
const QUIET_FACTOR = 10;

/**
 * @param look with `everything`, also what there is no new reason to look at
 * @param onFault told of a look that failed; the next one comes as if it had not
 */
export function createRescans(
  settleMs: number,
  look: (everything: boolean) => Promise<void>,
  onFault: (error: unknown) => void,
): Rescans {
  let looking: Promise<void> = Promise.resolve();
  let settling: NodeJS.Timeout | undefined;
  let firstHint = 0;
  const everyMinute = setInterval(() => void now(false), EVERY_MS).unref();

  function now(everything: boolean): Promise<void> {
    clearTimeout(settling);
    settling = undefined;
    looking = looking.then(() => look(everything)).catch(onFault);
    return looking;
  }

  return {
    now,
    hint() {
      firstHint = settling ? firstHint : Date.now();
      clearTimeout(settling);
      const wait = Math.min(settleMs, Math.max(0, firstHint + QUIET_FACTOR * settleMs - Date.now()));
      settling = setTimeout(() => void now(false), wait);
    },
    stop() {
      clearTimeout(settling);
      clearInterval(everyMinute);
      return looking;
    },
  };
}
