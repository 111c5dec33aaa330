/** Deciding when the whole folder is looked at: when something asks for it, and now and then. One look at a time. */

import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

/** `event`: something was heard of. `rescan`: nothing was, it is just time. */
export type Cause = 'event' | 'rescan';

export interface Looks {
  request(): void;
  /** No look begins after this was called; resolves when none is going on. */
  stop(): Promise<void>;
}

export interface LooksOptions {
  readonly rescanSeconds: number;
  /** Look at everything. Never rejects. */
  look(cause: Cause): Promise<void>;
  /** A quick check whether the folder itself is still the one that was looked at. */
  isSame(): Promise<boolean>;
}

/** Between two looks, so that a storm of requests costs a look now and then and not all of the time. */
const GAP_MS = 50;
/** Mounts, and renamed parents of parents, give no event at all; two system calls this often find them out. */
const CHECK_MS = 2000;

export function createLooks({ rescanSeconds, look, isSame }: LooksOptions): Looks {
  const stopping = new AbortController();
  const { signal } = stopping;
  let wanted: Cause | undefined;
  let isBusy = false;
  let rescanAt = 0;
  let work = Promise.resolve();

  function request(cause: Cause = 'event'): void {
    wanted = cause;
    if (isBusy || signal.aborted) return;
    isBusy = true;
    work = lookWhileWanted();
  }

  async function lookWhileWanted(): Promise<void> {
    while (wanted && !signal.aborted) {
      // All that the events of this round ask for is one look.
      await nextTurn();
      const cause = wanted;
      wanted = undefined;
      await look(cause);
      // Not all hobs of a fleet, and not all folders of a hob, at the same moment.
      rescanAt = performance.now() + rescanSeconds * 1000 * (0.9 + Math.random() * 0.2);
      await rest(GAP_MS);
    }
    isBusy = false;
  }

  async function checkUp(): Promise<void> {
    while (!signal.aborted) {
      await rest(Math.min(CHECK_MS, rescanSeconds * 1000));
      if (isBusy || signal.aborted) continue;
      if (performance.now() >= rescanAt) request('rescan');
      else if (!(await isSame())) request();
    }
  }

  const rest = (ms: number): Promise<void> => pause(ms, undefined, { signal }).catch(() => undefined);

  const checks = checkUp();
  request();

  return {
    request: () => request(),
    stop: async () => {
      stopping.abort();
      await Promise.all([checks, work]);
    },
  };
}
