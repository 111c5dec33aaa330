import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';
import { signalsDirectory } from '../runtime/instance/paths.ts';

/**
 * Hear of it when somebody deletes the run directory, or what hob cannot do without in it: its lock, and the directory that it watches.
 * @param onLost told once, with the path that is not there any more
 * @returns how to stop
 */
export function watchRunDirectory(runDir: string, onLost: (path: string) => void): () => void {
  const needed = [join(runDir, 'hob.lock'), signalsDirectory(runDir)];
  const watcher = watch(runDir, () => {
    const lost = needed.find((path) => !existsSync(path));
    if (lost === undefined) return;
    watcher.close();
    onLost(lost);
  });
  // Without it, hob goes on as it did.
  watcher.on('error', () => undefined);
  return () => watcher.close();
}
