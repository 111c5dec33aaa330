import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { signalsDirectory } from '../runtime/instance/paths.ts';

/**
 * Hear of it when somebody deletes the run directory, or what hob cannot do without in it: its lock, and the directory that it watches.
 * @param onLost told once, with the path that is not there any more
 * @returns how to stop
 */
export function watchRunDirectory(runDir: string, onLost: (path: string) => void): () => void {
  const needed = [join(runDir, 'hob.lock'), signalsDirectory(runDir)];
  const watcher = watchIfPossible(runDir, look);
  // It may be gone by now.
  look();

  function look(): void {
    const lost = needed.find((path) => !existsSync(path));
    if (lost === undefined) return;
    watcher?.close();
    onLost(lost);
  }

  return () => watcher?.close();
}

/** Without it, hob goes on all the same. */
function watchIfPossible(directory: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(directory, onChange).on('error', () => undefined);
  } catch {
    return undefined;
  }
}
