/** A time limit that can be stopped, and run anew from its beginning. */
export interface TimeLimit {
  /** Does nothing while it runs. */
  run(): void;
  stop(): void;
  isOver(): boolean;
}

/** @param onEnd is called when the time is over */
export function createTimeLimit(ms: number, onEnd: () => void): TimeLimit {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  return {
    run() {
      timer ??= setTimeout(() => {
        over = true;
        onEnd();
      }, ms);
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
    isOver: () => over,
  };
}
