import { setTimeout as delay } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import type { SleepInput } from '../../machines/events.ts';

/** No sleep of the lifecycle is longer; a clock that was set back must not make one so. */
const longestMs = 5 * 60_000;

/** Sleep until a time, so that a restart of hob does not begin the wait anew. */
export const sleep = fromPromise<void, SleepInput>(async ({ input, signal }) => {
  const ms = 'ms' in input ? input.ms : input.until - Date.now();
  await delay(Math.min(Math.max(ms, 0), longestMs), undefined, { signal });
});
