import type { RunRequest, RunResult } from './protocol.ts';
import { run } from './run.ts';
import type { RunRecords } from './run-records.ts';

/** The programs that are run to their end: so many at a time, the others in the order they came. */
export interface Runs {
  /** Like `run`, within the request's time limit. Rejects with code CANCELLED when the signal fires, BUSY when its turn did not come in time. */
  run(request: RunRequest, signal: AbortSignal): Promise<RunResult>;
  /** How many there are, waiting ones included. */
  count(): number;
}

/** Far more than a host has to do at once, far fewer than it can bear: hooks that hang must not hold up others. */
const mostAtOnce = 256;

export function createRuns(records: Pick<RunRecords, 'begin'>, limit = mostAtOnce): Runs {
  let running = 0;
  const waiting = new Set<() => void>();

  async function turn(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (running < limit) {
      running++;
      return;
    }
    const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    await new Promise<void>((resolve, reject) => {
      waiting.add(resolve);
      over.addEventListener('abort', () => {
        if (waiting.delete(resolve)) reject(signal.aborted ? cancelled() : busy(timeoutMs, limit));
      });
    });
  }

  function leave(): void {
    const [next] = waiting;
    if (!next) {
      running--;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    async run(request, signal) {
      const began = performance.now();
      await turn(request.timeoutMs, signal);
      try {
        const remainingMs = request.timeoutMs - (performance.now() - began);
        // On a busy host its turn can come before its timer, and be too late all the same.
        if (remainingMs <= 0) throw busy(request.timeoutMs, limit);
        const result = await run(request, remainingMs, signal, records);
        if (signal.aborted) throw cancelled();
        return result;
      } finally {
        leave();
      }
    },
    count: () => running + waiting.size,
  };
}

const cancelled = (): Error => Object.assign(new Error('cancelled'), { code: 'CANCELLED' });

const busy = (ms: number, limit: number): Error =>
  Object.assign(new Error(`not started within ${ms} ms, as ${limit} other programs are running`), { code: 'BUSY' });
