/**
 * Time that passes only when a walk says so. What waits is carried out in the order in which it is due, each with everything that follows
 * from it before the next: so the same walk is always the same. (vitest's fake timers cannot forget what waits without setting the time
 * back, and a hob that dies takes what it waits for with it.)
 */

const real = { setImmediate, setTimeout, clearTimeout, Date };

interface Waiting {
  readonly due: number;
  readonly act: () => void;
}

const beginning = real.Date.UTC(2026, 0, 1);
let now = 0;
let stepped = 0;
let waiting: Waiting[] = [];

/** Everything that follows from what has happened so far, short of a timer. Nothing in a walk waits for a real file or socket. */
export const drain = (): Promise<void> => new Promise((resolve) => real.setImmediate(resolve));

/** Milliseconds since the walk began, whatever steps the clock of the host makes. */
export const monotonic = (): number => now;

/** The clock of the host is set; what waits for so many milliseconds still does. */
export const stepClock = (ms: number): void => void (stepped += ms);

/** Nobody waits for anything any more. */
export const forgetTimers = (): void => void (waiting = []);

/** Carry out what is due next, if it is due by then; if not, it is then. */
export function nextTimer(until: number): 'acted' | 'there' {
  const next = waiting.reduce<Waiting | undefined>(
    (first, one) => (first && first.due <= one.due ? first : one),
    undefined,
  );
  now = Math.max(now, Math.min(next?.due ?? until, until));
  if (!next || next.due > until) return 'there';
  waiting.splice(waiting.indexOf(next), 1);
  next.act();
  return 'acted';
}

class WalkDate extends Date {
  constructor(given: number | string | Date = WalkDate.now()) {
    super(given);
  }
  static override now(): number {
    return beginning + Math.floor(now) + stepped;
  }
}

function wait(act: (...args: unknown[]) => void, ms = 0, ...args: unknown[]): Waiting & { unref(): void } {
  const one = { due: now + Math.max(0, ms), act: () => act(...args), unref: () => undefined };
  waiting.push(one);
  return one;
}

const stopWaiting = (one: unknown): void => void (waiting = waiting.filter((other) => other !== one));

/** From now on it is the walk's time. */
export function stopClock(): void {
  [now, stepped, waiting] = [0, 0, []];
  Object.assign(globalThis, { setTimeout: wait, clearTimeout: stopWaiting, Date: WalkDate });
  Object.defineProperty(performance, 'now', { value: monotonic, configurable: true });
}

export function startClock(): void {
  Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout, Date: real.Date });
  Reflect.deleteProperty(performance, 'now');
}

/** What `node:timers/promises` is in a walk. */
export const timersPromises = { setTimeout: delay, setImmediate: (): Promise<void> => delay(0) };

function delay(ms = 0, value?: unknown, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer);
      reject(new DOMException('The operation was aborted', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value as void);
    }, ms);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
