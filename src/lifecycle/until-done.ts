import { setTimeout as delay } from 'node:timers/promises';

const tryAgainMs = 1_000;

/**
 * Do something that has to be done, again every second until it succeeds. Rejects only when `signal` has fired, which it does when the machine
 * leaves the state that it is done for.
 * @param tell is told of every failure
 */
export async function untilDone<T>(
  attempt: () => Promise<T>,
  tell: (error: unknown) => void,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      tell(error);
      await delay(tryAgainMs, undefined, { signal });
    }
  }
}
