import { checkIdentity } from './identity.ts';
import { forgetIdentity, knownIdentity, rememberIdentity } from './module/known-identity.ts';
import { createModuleCalls, type ModuleCalls } from './module/calls.ts';
import { startThread, type ThreadOptions } from './module/thread.ts';
import type { PluginIdentity, RegisteredPlugin } from './registered-plugin.ts';
import { createThreadLife, type ThreadLife } from './module/thread-life.ts';

export interface ModuleOptions extends ThreadOptions {
  readonly version: string;
  /** How long the module may take to load. */
  readonly loadLimitMs: number;
  /** How long the thread stays when no container needs the plugin: a thread holds 8 MB. */
  readonly idleMs: number;
  /** Gives up the loading. */
  readonly closing: AbortSignal;
  /** The plugin's `fault` or `isUsable` may answer something else. */
  readonly onChange: () => void;
}

/**
 * Load an ES-module plugin in a thread of its own. The thread serves all containers, one plugin instance as in Dobby. It is there as
 * long as a container needs it, started again when it dies, and otherwise started when a call comes.
 * Rejects with an Error that says what is wrong with the module.
 */
export async function loadModule(options: ModuleOptions): Promise<RegisteredPlugin> {
  const { stateDir, version } = options;
  const known = knownIdentity(stateDir, version);
  const life: ThreadLife = createThreadLife({
    ...options,
    known,
    onOther: () => forgetIdentity(stateDir),
    open: (events) => startThread(options, events),
    onMessage: (message) => calls.receive(message),
    onEnd: (thread, why) => calls.lost(thread, why),
  });
  const calls: ModuleCalls = createModuleCalls(life, (why) => options.log.warn({ path: options.path }, why));
  const close = (): void => void life.close();
  options.closing.addEventListener('abort', close);
  try {
    const described = await life.load();
    const identity = checkIdentity(described);
    if (!known) rememberIdentity(stateDir, version, described);
    return modulePlugin(options, identity, life, calls);
  } catch (error) {
    await life.close();
    throw error;
  } finally {
    options.closing.removeEventListener('abort', close);
  }
}

function modulePlugin(
  options: ModuleOptions,
  identity: PluginIdentity,
  life: ThreadLife,
  calls: ModuleCalls,
): RegisteredPlugin {
  let idle: NodeJS.Timeout | undefined;

  const endWhenUnused = async (): Promise<void> => {
    if (!calls.isBusy()) await life.rest();
  };

  return {
    ...identity,
    kind: 'module',
    path: options.path,
    version: options.version,
    call: (request, limits) => calls.call(request, limits),
    setNeeded(isNeeded) {
      clearTimeout(idle);
      life.setNeeded(isNeeded);
      if (!isNeeded) idle = setTimeout(() => void endWhenUnused(), options.idleMs).unref();
    },
    retire: () => life.retire(),
    isUsable: () => life.isUsable(),
    fault: () => life.fault(),
    async close() {
      clearTimeout(idle);
      calls.abandon();
      await life.close();
    },
  };
}
