import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { PluginUse } from '../api/container.ts';
import type { PluginHookInfo, PluginInfo } from '../api/wire.ts';
import { requiredMissing, runHookPoint, waitsForPreStart } from '../hooks/dispatcher.ts';
import { hookMode } from '../hooks/hint-flags.ts';
import { type HookPoint, hookPoints } from '../hooks/plugin.ts';
import { createPluginRegistry } from '../hooks/registry.ts';
import type { ListedPlugin, PluginRegistry } from '../hooks/registry.ts';
import { createHookStatistics, type HookStatistics } from '../hooks/statistics.ts';
import type { Surroundings } from '../hooks/surroundings.ts';
import type { Journal } from '../journal/journal.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';
import type { Keeper } from '../runtime/keeper-client.ts';
import type { Instance } from '../../machines/context.ts';
import type { Reporter } from './reporter.ts';

/** Plugins as the lifecycle and the API need them. */
export type Plugins = LifecycleParts['plugins'] & {
  list(): readonly PluginInfo[];
  /** Why there is no plugin of that name, in words. */
  whyMissing(name: string): string;
  onChange(listener: () => void): void;
  /** Instances of an earlier hob need their plugins: they are kept alive for them. */
  adopt(instances: readonly Instance[]): void;
  /** The container is gone, and with it what plugins kept of it. */
  forget(containerID: string): void;
  close(): Promise<void>;
};

interface PluginParts {
  /** In the order in which they win a name. */
  readonly folders: readonly string[];
  /** Each plugin has a folder of its own in it. */
  readonly stateDir: string;
  readonly surroundings: Surroundings;
  readonly keeper: Keeper;
  readonly journal: Journal;
  readonly log: Logger;
  readonly report: Reporter;
}

/** How long hob's own start waits for its plugins; those that work take a tenth of it. */
const LOADING_PATIENCE_MS = 1_000;

/** Load the plugins of the plugin folders, and keep up with them. What takes long to load may still be missing when this resolves. */
export async function startPlugins(parts: PluginParts): Promise<Plugins> {
  const { folders, stateDir, surroundings, keeper, journal, log, report } = parts;
  let tell = (): void => undefined;
  let there = '';
  let isClosing = false;
  // A hook that hob's end cuts off has no outcome; the next hob calls it again.
  const never = new Promise<never>(() => undefined);
  const statistics = createHookStatistics();
  const registry: PluginRegistry = createPluginRegistry({
    folders,
    stateDir,
    surroundings,
    // A hob that comes after calls hooks again: what this one began must not run on beside them.
    run: (request, signal) =>
      keeper
        .run({ ...request, endsWithClient: true }, signal)
        .catch((error: unknown) => (isClosing ? never : Promise.reject(error as Error))),
    log,
    onChange: () => {
      const before = there;
      there = whatIsThere(registry);
      if (there !== before) tell();
    },
  });
  const firstLook = registry.start();
  // Only what needs one that hangs has to wait for it.
  await Promise.race([firstLook, delay(LOADING_PATIENCE_MS, undefined, { ref: false })]);
  /** Where containers were adopted, hooks may come before their plugins do. */
  const untilLoaded = async (uses: readonly PluginUse[]): Promise<void> => {
    if (uses.some(({ name }) => !registry.get(name))) await firstLook;
  };
  return {
    missing: (uses) => requiredMissing(uses, registry),
    waitForPreStart: (uses, instanceID) => waitsForPreStart(uses, registry, instanceID),
    run: async ({ namespace, name }, request) => {
      await untilLoaded(request.plugins);
      return runHookPoint({
        ...request,
        registry,
        journal,
        log,
        statistics,
        onEvent: ({ type, reason, message }) => report.container({ namespace, name }, type, reason, message),
      });
    },
    list: () =>
      registry.list().map((plugin) => {
        const hasItsName = registry.get(plugin.name)?.version === plugin.version;
        return infoOf(plugin, hasItsName ? statistics : undefined);
      }),
    whyMissing: (name) => registry.whyMissing(name),
    onChange: (listener) => {
      tell = listener;
    },
    adopt: (instances) => {
      for (const { id, spec } of instances)
        registry.adopt(
          id,
          spec.plugins.map(({ name }) => name),
        );
    },
    forget: (containerID) => registry.forget(containerID),
    close: async () => {
      isClosing = true;
      const stuck = await registry.close();
      // Node waits at its exit for threads that cannot be ended, for ever.
      if (stuck > 0) process.once('exit', () => process.kill(process.pid, 'SIGKILL'));
    },
  };
}

/** What containers wait for: a plugin that is there, however its thread fares, or something else that is wrong with it. */
const whatIsThere = (registry: PluginRegistry): string =>
  JSON.stringify(registry.list().map(({ name, version, reason }) => [name, version, registry.get(name) ? '' : reason]));

/** @param statistics undefined for one whose name belongs to another, whose calls they are */
function infoOf(plugin: ListedPlugin, statistics: HookStatistics | undefined): PluginInfo {
  const { name, kind, path, version, state, reason, warnings, hookHints } = plugin;
  const messages = [...(reason === undefined ? [] : [reason]), ...warnings];
  return {
    name,
    kind,
    path,
    version,
    state: state === 'ready' && messages.length > 0 ? 'warning' : state,
    hooks: hookPoints.flatMap((point) => hookInfoOf(name, point, hookHints, statistics)),
    ...(messages.length > 0 && { message: messages.join('; ') }),
  };
}

function hookInfoOf(
  name: string,
  point: HookPoint,
  hints: number,
  statistics: HookStatistics | undefined,
): PluginHookInfo[] {
  const mode = hookMode(hints, point);
  return mode === 'none' ? [] : [{ point, mode, calls: 0, failures: 0, ...statistics?.of(name, point) }];
}
