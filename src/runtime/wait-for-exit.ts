import { drainLog } from './container-output.ts';
import { exitOf } from './instance/exit.ts';
import type { Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { Exit } from './runtime.ts';

/** Resolves when the instance has ended and its output has reached the log. */
export async function waitForExit(parts: RuntimeParts, instance: Instance, signal: AbortSignal): Promise<Exit> {
  for (;;) {
    const exit = exitOf(instance, parts.wasOomKilled);
    if (exit) {
      await drainLog(parts, instance);
      return exit;
    }
    await instance.changed(signal);
  }
}
