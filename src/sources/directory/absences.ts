/** Names that are no longer there, until it is certain. */

/** While more and more files go (somebody removes the folder itself, slowly), waiting is drawn out at most this many times. */
const MAX_DRAWN_OUT = 10;

export interface Absences {
  /** It is not there at this moment. The confirming look comes `removeMs` after the last new absence. */
  note(name: string): void;
  /** It is there, or cannot be told to be gone. */
  clear(name: string): void;
  /** Whether it was already gone `removeMs` ago. */
  isCertain(name: string): boolean;
  has(name: string): boolean;
  names(): string[];
  clearAll(): void;
  stop(): void;
}

export function createAbsences(removeMs: number, confirm: () => void): Absences {
  const since = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let waitingSince = 0;

  function note(name: string): void {
    const isNew = !since.has(name);
    const now = performance.now();
    if (isNew) since.set(name, now);
    if (!timer) waitingSince = now;
    else if (!isNew || now - waitingSince > MAX_DRAWN_OUT * removeMs) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      confirm();
    }, removeMs + 1);
  }

  return {
    note,
    clear: (name) => void since.delete(name),
    isCertain: (name) => performance.now() - (since.get(name) ?? Infinity) >= removeMs,
    has: (name) => since.has(name),
    names: () => [...since.keys()],
    clearAll: () => since.clear(),
    stop: () => clearTimeout(timer),
  };
}
