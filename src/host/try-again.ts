import { setTimeout as delay } from 'node:timers/promises';

/** Between the tries, in milliseconds: three seconds in all. */
const pauses = [200, 400, 800, 1600];

interface TryAgainOptions {
  /** Whether what is in the way may be gone soon. All of it, by default. */
  readonly mayPass?: (error: unknown) => boolean;
  /** Ends the pauses; then the last error is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Do something that may be done again, and again a few times if it fails: what a host has too little of at one moment it often has at the next.
 * @throws the last error
 */
export async function tryAgain<T>(
  attempt: () => T | Promise<T>,
  { mayPass = () => true, signal }: TryAgainOptions = {},
): Promise<T> {
  for (const pauseMs of pauses) {
    try {
      return await attempt();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await delay(pauseMs, undefined, { ...(signal && { signal }) }).catch(() => undefined);
      if (signal?.aborted) throw error;
    }
  }
  return attempt();
}
