import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Tells when it is worth to look at a log file again. */
export interface LogChanges {
  /** Resolves when the file has changed since the last time, or might have, or `stop` was called. */
  next(): Promise<void>;
  stop(): void;
}

/** Now and then without being told: the directory may be replaced, and what is told may get lost. */
const lookAnywayMs = 2000;

export function watchLog(path: string, signal: AbortSignal | undefined): LogChanges {
  let watcher: FSWatcher | undefined;
  let changed = false;
  let wake = (): void => undefined;

  function change(): void {
    changed = true;
    wake();
  }

  function watchAnew(): void {
    watcher?.close();
    watcher = watchDirectory(path, change);
    change();
  }

  watchAnew();
  const timer = setInterval(watchAnew, lookAnywayMs);
  signal?.addEventListener('abort', change);

  return {
    async next() {
      if (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
    },
    stop() {
      clearInterval(timer);
      watcher?.close();
      signal?.removeEventListener('abort', change);
    },
  };
}

/** Undefined while there is no such directory. */
function watchDirectory(path: string, onChange: () => void): FSWatcher | undefined {
  const name = basename(path);
  try {
    const watcher = watch(dirname(path), (_, changed) => {
      if (changed === null || changed === name) onChange();
    });
    watcher.on('error', () => undefined); // the next look is without it
    return watcher;
  } catch {
    return undefined;
  }
}
