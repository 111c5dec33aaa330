import { setTimeout as delay } from 'node:timers/promises';
import { fromPromise } from 'xstate';
import type { SleepInput } from '../../machines/events.ts';

/** Sleep until a time, so that a restart of hob does not begin the wait anew; and no longer than it was to be, should the clock have been set back since. */
export const sleep = fromPromise<void, SleepInput>(async ({ input, signal }) => {
  const ms = 'ms' in input ? input.ms : Math.min(input.until - Date.now(), input.mostMs);
  await delay(Math.max(ms, 0), undefined, { signal });
});
