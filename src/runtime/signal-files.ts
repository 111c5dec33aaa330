import { readdirSync, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import { parseSignalName, signalsDirectory, type SignalKind } from './instance/paths.ts';

/**
 * Watch the directory of small files that mean something happened: one watch for all containers.
 * Events can be lost when very many come at once; whoever needs every one looks again now and then.
 * @returns how to stop
 * @throws Error with the cure when the host has no watch to give
 */
export function watchSignals(
  runDir: string,
  onSignal: (key: string, kind: SignalKind) => void,
  warn: (message: string) => void,
): () => void {
  const directory = signalsDirectory(runDir);
  try {
    const watcher = watch(directory, (_event, name) => {
      const signal = name === null ? undefined : parseSignalName(name);
      if (signal) onSignal(signal.key, signal.kind);
    });
    watcher.on('error', (error) => warn(`the watch on ${directory} failed (${error.message}): changes are seen late`));
    return () => watcher.close();
  } catch (cause) {
    throw new Error(`cannot watch ${directory}: ${wordsOf(cause)}; raise the sysctl fs.inotify.max_user_instances`, {
      cause,
    });
  }
}

/** Remove the files of instances that are no more: a shell that was asked for may come to run after its instance was discarded. */
export function pruneSignals(runDir: string, isGone: (key: string) => boolean): void {
  const directory = signalsDirectory(runDir);
  for (const name of readdirSync(directory)) {
    const signal = parseSignalName(name);
    if (signal && isGone(signal.key)) rmSync(join(directory, name), { force: true });
  }
}
