import { checkIdentity } from './identity.ts';
import { createModuleCalls, type ModuleCalls } from './module-calls.ts';
import { startThread, type ThreadOptions } from './module-thread.ts';
import type { PluginIdentity, RegisteredPlugin } from './registered-plugin.ts';

export interface ModuleOptions extends ThreadOptions {
  readonly version: string;
  /** How long the module may take to load. */
  readonly loadLimitMs: number;
  /** How long the thread stays when no container needs the plugin: a thread holds 8 MB. */
  readonly idleMs: number;
}

/**
 * Load an ES-module plugin in a thread of its own. The thread serves all containers, one plugin instance as in Dobby; it is started
 * again when a call comes and it is not there.
 * Rejects with an Error that says what is wrong with the module.
 */
export async function loadModule(options: ModuleOptions): Promise<RegisteredPlugin> {
  const calls = createModuleCalls(
    (events) => startThread(options, events),
    (why) => options.log.warn({ path: options.path }, why),
  );
  try {
    const { name, hookHints, methods } = await calls.load(options.loadLimitMs);
    return modulePlugin(options, checkIdentity({ name, hookHints }, methods), calls);
  } catch (error) {
    await calls.close();
    throw error;
  }
}

function modulePlugin(options: ModuleOptions, identity: PluginIdentity, calls: ModuleCalls): RegisteredPlugin {
  let isRetired = false;
  let idle: NodeJS.Timeout | undefined;

  const setNeeded = (isNeeded: boolean): void => {
    clearTimeout(idle);
    if (isNeeded) return;
    idle = setTimeout(() => void endWhenUnused(), options.idleMs);
    idle.unref();
  };
  const endWhenUnused = async (): Promise<void> => {
    if (!calls.isBusy()) await calls.endThread();
  };

  return {
    ...identity,
    kind: 'module',
    path: options.path,
    version: options.version,
    call: (request, limits) => calls.call(request, limits),
    setNeeded,
    retire: () => void (isRetired = true),
    // The code that a new thread would load is another one by now.
    isUsable: () => !isRetired || calls.hasThread(),
    close: () => {
      clearTimeout(idle);
      return calls.close();
    },
  };
}
