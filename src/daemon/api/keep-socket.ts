import { existsSync, lstatSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Others may be about to put something in its place, or to delete the whole directory. */
const settleMs = 200;
const tryAgainMs = 2_000;

/**
 * Notice that the socket at this path is no longer the one that is there now.
 * @param makeAgain tried until it succeeds, or the directory is gone
 * @returns how to stop
 */
export function keepSocket(path: string, makeAgain: () => Promise<void>): () => void {
  let own = identityOf(path);
  let timer: NodeJS.Timeout | undefined;
  const later = (ms: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void look(), ms);
  };

  async function look(): Promise<void> {
    if (identityOf(path) === own || !existsSync(dirname(path))) return;
    try {
      await makeAgain();
      own = identityOf(path);
    } catch {
      later(tryAgainMs);
    }
  }

  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) later(settleMs);
  });
  // Without it, hob goes on as it did.
  watcher.on('error', () => watcher.close());
  return () => {
    clearTimeout(timer);
    watcher.close();
  };
}

function identityOf(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats ? `${stats.dev}:${stats.ino}` : '';
}
