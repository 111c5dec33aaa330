import type { RegisteredPlugin } from '../registered-plugin.ts';

/** What an instance has under the name of a plugin. */
export interface Pin {
  /** What serves it. */
  readonly plugin?: RegisteredPlugin;
  /** What made it, when that is gone and another version serves it, or none. */
  readonly madeBy?: RegisteredPlugin;
  /** There is none, but one that comes is for this instance: an earlier hob made it. */
  readonly mayCome?: boolean;
}

/** Which versions of which plugins serve an instance until its end. In memory: a new hob begins with the newest. */
export interface PluginPins {
  pin(instanceID: string, name: string, pin: Pin): void;
  /** Undefined when nothing is known of the instance. */
  find(instanceID: string, name: string): Pin | undefined;
  /** Instances that have something under this name that is of no use, or wait for something. */
  inNeed(name: string): { readonly instanceID: string; readonly pin: Pin }[];
  /** Forget an instance. Returns the plugins that no instance needs any more. */
  release(instanceID: string): RegisteredPlugin[];
  isPinned(plugin: RegisteredPlugin): boolean;
}

export function createPins(): PluginPins {
  const instances = new Map<string, Map<string, Pin>>();
  const users = new Map<RegisteredPlugin, number>();

  function count({ plugin }: Pin, change: 1 | -1): void {
    if (!plugin) return;
    const left = (users.get(plugin) ?? 0) + change;
    if (left > 0) users.set(plugin, left);
    else users.delete(plugin);
  }

  return {
    pin(instanceID, name, pin) {
      const pins = instances.get(instanceID) ?? new Map<string, Pin>();
      instances.set(instanceID, pins);
      count(pins.get(name) ?? {}, -1);
      pins.set(name, pin);
      count(pin, 1);
    },
    find: (instanceID, name) => instances.get(instanceID)?.get(name),
    inNeed: (name) =>
      [...instances].flatMap(([instanceID, pins]) => {
        const pin = pins.get(name);
        return pin && isInNeed(pin) ? [{ instanceID, pin }] : [];
      }),
    release(instanceID) {
      const pins = [...(instances.get(instanceID)?.values() ?? [])];
      instances.delete(instanceID);
      for (const pin of pins) count(pin, -1);
      return pins.flatMap(({ plugin }) => (plugin && !users.has(plugin) ? [plugin] : []));
    },
    isPinned: (plugin) => users.has(plugin),
  };
}

const isInNeed = ({ plugin, madeBy, mayCome = false }: Pin): boolean =>
  plugin ? !plugin.isUsable() : mayCome || madeBy !== undefined;
