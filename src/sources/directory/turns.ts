/** Doing a lot of small things without holding up the event loop: a few milliseconds of work, then what else hob does gets its turn. */

const TURN_MS = 4;

export interface Turns<Work extends string> {
  /** Do it in the next turn; once, however often it was added before that. */
  add(work: Work, name: string): void;
  stop(): void;
}

/** A turn does the kinds of work in the order they are given here. What a piece of work adds is done in a later turn, even if it is of a later kind. */
export function createTurns<Work extends string>(workers: Record<Work, (name: string) => void>): Turns<Work> {
  const kinds = Object.entries<(name: string) => void>(workers);
  const queues = new Map(kinds.map(([kind]) => [kind, new Set<string>()]));
  let next: NodeJS.Immediate | undefined;

  function turn(): void {
    next = undefined;
    const end = performance.now() + TURN_MS;
    const due = kinds.map(([kind, work]) => ({ kind, work, names: [...(queues.get(kind) ?? [])] }));
    for (const { kind, work, names } of due) {
      for (const name of names) if (performance.now() < end && queues.get(kind)?.delete(name)) work(name);
    }
    if ([...queues.values()].some(({ size }) => size > 0)) schedule();
  }

  const schedule = (): void => void (next ??= setImmediate(turn));

  return {
    add: (work, name) => {
      queues.get(work)?.add(name);
      schedule();
    },
    stop: () => {
      for (const names of queues.values()) names.clear();
      clearImmediate(next);
    },
  };
}

/** The same for a list that is to be worked through to its end. Stops early when `isOver` says so. */
export async function eachInTurns<T>(
  items: readonly T[],
  work: (item: T) => void,
  isOver: () => boolean,
): Promise<void> {
  let end = performance.now() + TURN_MS;
  for (const item of items) {
    if (isOver()) return;
    work(item);
    if (performance.now() < end) continue;
    await new Promise((resolve) => setImmediate(resolve));
    end = performance.now() + TURN_MS;
  }
}
