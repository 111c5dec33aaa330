/** Writes to the journal that have to be made in the end, whatever is in the way of them now. */
export interface OwedWrites {
  /** Write now, or else as soon as it can be. What was owed under the key is not any more: this is newer. */
  write(key: string, write: () => void): void;
  /** Nothing is tried any more. */
  stop(): void;
}

export interface OwedWritesOptions {
  /** Told once when the journal cannot be written, and once when all that was owed is in it. */
  readonly log: {
    readonly error: (fields: object, message: string) => void;
    readonly info: (fields: object, message: string) => void;
  };
  readonly tryAgainMs?: number;
}

export function createOwedWrites({ log, tryAgainMs = 1_000 }: OwedWritesOptions): OwedWrites {
  const owed = new Map<string, () => void>();
  let timer: NodeJS.Timeout | undefined;
  let isToldOf = false;

  function write(key: string, action: () => void): void {
    owed.delete(key);
    attempt(key, action);
    settle();
  }

  function attempt(key: string, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (err) {
      owed.set(key, action);
      if (!isToldOf) log.error({ container: key, err }, 'the journal could not be written; trying again each second');
      isToldOf = true;
      return false;
    }
  }

  /** What is in the way of one is in the way of all, as a rule: the one that fails goes to the end, and the others wait. */
  function tryAgain(): void {
    timer = undefined;
    for (const [key, action] of [...owed]) {
      owed.delete(key);
      if (!attempt(key, action)) break;
    }
    settle();
  }

  function settle(): void {
    if (owed.size > 0) return void (timer ??= setTimeout(tryAgain, tryAgainMs));
    clearTimeout(timer);
    timer = undefined;
    if (isToldOf) log.info({}, 'the journal can be written again, and has all that it should');
    isToldOf = false;
  }

  return {
    write,
    stop: () => {
      owed.clear();
      clearTimeout(timer);
    },
  };
}
