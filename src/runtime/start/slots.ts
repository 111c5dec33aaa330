import { once } from '../once.ts';

/** Bounds how many of something are under way at once; whoever came first goes first. */
export interface Slots {
  /** Resolves when there is a slot. What it answers gives the slot back, once, however often it is called. Rejects with the reason of `signal`. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createSlots(count: number): Slots {
  const queue: (() => void)[] = [];
  let free = count;

  function turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        queue.splice(queue.indexOf(enter), 1);
        reject(asError(signal.reason));
      };
      signal.addEventListener('abort', leave);
      queue.push(enter);
    });
  }

  function giveBack(): void {
    const next = queue.shift();
    if (next) next();
    else free += 1;
  }

  return {
    async take(signal) {
      signal.throwIfAborted();
      if (free > 0) free -= 1;
      else await turn(signal);
      return once(giveBack);
    },
  };
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));
