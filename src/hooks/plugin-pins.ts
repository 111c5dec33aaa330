import type { RegisteredPlugin } from './registered-plugin.ts';

/** Which versions of which plugins made an instance, so that the same ones serve it until its end. In memory: a new hob begins with the newest. */
export interface PluginPins {
  pin(instanceID: string, name: string, plugin: RegisteredPlugin | undefined): void;
  /** Undefined when nothing is known of the instance; `plugin` is undefined when it had none of that name. */
  find(instanceID: string, name: string): { readonly plugin: RegisteredPlugin | undefined } | undefined;
  /** Forget an instance. Returns the plugins that no instance needs any more. */
  release(instanceID: string): RegisteredPlugin[];
  isPinned(plugin: RegisteredPlugin): boolean;
}

export function createPins(): PluginPins {
  const instances = new Map<string, Map<string, RegisteredPlugin | undefined>>();
  const users = new Map<RegisteredPlugin, number>();

  function count(plugin: RegisteredPlugin | undefined, change: 1 | -1): void {
    if (!plugin) return;
    const left = (users.get(plugin) ?? 0) + change;
    if (left > 0) users.set(plugin, left);
    else users.delete(plugin);
  }

  return {
    pin(instanceID, name, plugin) {
      const pins = instances.get(instanceID) ?? new Map<string, RegisteredPlugin | undefined>();
      instances.set(instanceID, pins);
      count(pins.get(name), -1);
      pins.set(name, plugin);
      count(plugin, 1);
    },
    find(instanceID, name) {
      const pins = instances.get(instanceID);
      return pins?.has(name) ? { plugin: pins.get(name) } : undefined;
    },
    release(instanceID) {
      const plugins = [...(instances.get(instanceID)?.values() ?? [])].filter((plugin) => plugin !== undefined);
      instances.delete(instanceID);
      for (const plugin of plugins) count(plugin, -1);
      return plugins.filter((plugin) => !users.has(plugin));
    },
    isPinned: (plugin) => users.has(plugin),
  };
}
