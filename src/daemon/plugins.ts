import type { Logger } from 'pino';
import type { PluginInfo } from '../api/wire.ts';
import { requiredMissing, runHookPoint, waitsForPreStart } from '../hooks/dispatcher.ts';
import { hookMode } from '../hooks/hint-flags.ts';
import { hookPoints } from '../hooks/plugin.ts';
import { createPluginRegistry } from '../hooks/registry.ts';
import type { PluginInfo as RegisteredInfo } from '../hooks/registry.ts';
import type { Journal } from '../journal/journal.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';
import type { Keeper } from '../runtime/keeper-client.ts';
import type { Reporter } from './reporter.ts';

/** Plugins as the lifecycle and the API need them. */
export type Plugins = LifecycleParts['plugins'] & {
  list(): readonly PluginInfo[];
  onChange(listener: () => void): void;
  close(): Promise<void>;
};

interface PluginParts {
  /** In the order in which they win a name. */
  readonly folders: readonly string[];
  /** Each plugin has a folder of its own in it. */
  readonly stateDir: string;
  readonly keeper: Keeper;
  readonly journal: Journal;
  readonly log: Logger;
  readonly report: Reporter;
}

/** Load the plugins of the plugin folders, and keep up with them. */
export async function startPlugins({ folders, stateDir, keeper, journal, log, report }: PluginParts): Promise<Plugins> {
  let tell = (): void => undefined;
  let isClosing = false;
  // A hook that hob's end cuts off has no outcome; the next hob calls it again.
  const never = new Promise<never>(() => undefined);
  const registry = createPluginRegistry({
    folders,
    stateDir,
    run: (request, signal) =>
      keeper.run(request, signal).catch((error: unknown) => (isClosing ? never : Promise.reject(error as Error))),
    log,
    onChange: () => tell(),
  });
  await registry.start();
  return {
    missing: (uses) => requiredMissing(uses, registry),
    waitForPreStart: (uses, instanceID) => waitsForPreStart(uses, registry, instanceID),
    run: ({ namespace, name }, request) =>
      runHookPoint({
        ...request,
        registry,
        journal,
        log,
        onEvent: ({ type, reason, message }) => report.container({ namespace, name }, type, reason, message),
      }),
    list: () => registry.list().map(infoOf),
    onChange: (listener) => {
      tell = listener;
    },
    close: async () => {
      isClosing = true;
      const stuck = await registry.close();
      // Node waits at its exit for threads that cannot be ended, for ever.
      if (stuck > 0) process.once('exit', () => process.kill(process.pid, 'SIGKILL'));
    },
  };
}

function infoOf({ name, kind, path, hookHints, reason }: RegisteredInfo): PluginInfo {
  const pointsOf = (mode: 'sync' | 'async') => hookPoints.filter((point) => hookMode(hookHints, point) === mode);
  return { name, kind, path, sync: pointsOf('sync'), async: pointsOf('async'), ...(reason && { problem: reason }) };
}
