/**
 * A work queue of keys, after client-go's: a key waits at most once, is never worked on twice at the same time, and one
 * that is added while it is worked on comes again afterwards. So the latest state always gets its turn, and a burst of
 * changes costs one.
 */
export interface WorkQueue {
  /** Have the key worked on, soon. */
  add(key: string): void;
  /** Have the key worked on after so many milliseconds; an earlier time already asked for stays. */
  addAfter(key: string, ms: number): void;
  /** Nothing more is begun; resolves when the work under way has ended. */
  stop(): Promise<void>;
}

export interface WorkQueueOptions {
  /** Works on one key. A rejection has it worked on again, later and later. */
  readonly work: (key: string) => Promise<void>;
  /** Told of each rejection and of when the next try is. */
  readonly onError: (key: string, error: unknown, retryInMs: number) => void;
  /** How many keys are worked on side by side. */
  readonly workers?: number;
  /** First delay after a failure, and the longest, in milliseconds; each failure in a row doubles it. */
  readonly retryMs?: { readonly first: number; readonly longest: number };
}

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { work, onError, workers = 16, retryMs = { first: 100, longest: 60_000 } } = options;
  /** To be worked on, in order; a Set keeps the order of insertion and each key once. */
  const waiting = new Set<string>();
  const working = new Map<string, Promise<void>>();
  /** Added while worked on. */
  const again = new Set<string>();
  const timers = new Map<string, { timer: NodeJS.Timeout; due: number }>();
  const failures = new Map<string, number>();
  let scheduled = false;
  let stopped = false;

  function add(key: string): void {
    if (stopped) return;
    clearDelay(key);
    if (working.has(key)) again.add(key);
    else waiting.add(key);
    schedule();
  }

  function addAfter(key: string, ms: number): void {
    if (stopped) return;
    const due = performance.now() + ms;
    const planned = timers.get(key);
    if (planned && planned.due <= due) return;
    clearDelay(key);
    timers.set(key, { timer: setTimeout(() => add(key), ms), due });
  }

  function clearDelay(key: string): void {
    clearTimeout(timers.get(key)?.timer);
    timers.delete(key);
  }

  /** One pass for all that is added in this turn of the event loop. */
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      beginWork();
    });
  }

  function beginWork(): void {
    for (const key of waiting) {
      if (stopped || working.size >= workers) return;
      waiting.delete(key);
      working.set(key, workOn(key));
    }
  }

  async function workOn(key: string): Promise<void> {
    try {
      await work(key);
      failures.delete(key);
    } catch (error) {
      retry(key, error);
    } finally {
      working.delete(key);
      if (again.delete(key)) add(key);
      schedule();
    }
  }

  function retry(key: string, error: unknown): void {
    const failed = (failures.get(key) ?? 0) + 1;
    failures.set(key, failed);
    const delay = Math.min(retryMs.first * 2 ** (failed - 1), retryMs.longest);
    onError(key, error, delay);
    addAfter(key, delay);
  }

  return {
    add,
    addAfter,
    stop: async () => {
      stopped = true;
      for (const key of [...timers.keys()]) clearDelay(key);
      waiting.clear();
      await Promise.all(working.values());
    },
  };
}
