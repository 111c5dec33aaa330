import type { ContainerContext } from '../../machines/context.ts';

/** Containers that are gone, until nothing is kept of them any more. */
export interface Departures {
  leave(key: string, container: ContainerContext): void;
  /** Resolves when what is being removed is removed. */
  ended(): Promise<unknown>;
}

export interface DepartureOptions {
  /**
   * Remove what is kept of the container, but for its record. Answers whether all of it is gone.
   * @param isBack whether another of its name has come meanwhile
   */
  readonly cleanUp: (container: ContainerContext, isBack: () => boolean) => Promise<boolean>;
  readonly removeRecord: (key: string, container: ContainerContext) => void;
  /** There is another life under the key, so the record is that one's. */
  readonly isBack: (key: string) => boolean;
}

/** The record goes last: by it a hob that comes after knows that there is something to remove. So it stays where something could not be. */
export function createDepartures({ cleanUp, removeRecord, isBack }: DepartureOptions): Departures {
  const leaving = new Map<Promise<void>, string>();

  function leave(key: string, container: ContainerContext): void {
    const left = cleanUp(container, () => isBack(key)).then((isClean) => {
      leaving.delete(left);
      const isLast = ![...leaving.values()].includes(key);
      if (isClean && isLast && !isBack(key)) removeRecord(key, container);
    });
    leaving.set(left, key);
  }

  return { leave, ended: () => Promise.all(leaving.keys()) };
}
