import type { RegisteredPlugin } from '../registered-plugin.ts';
import { createPins, type Pin } from './pins.ts';

/** Which version of a plugin serves which instance. */
export interface InstancePlugins {
  /** Let an instance keep these plugins as they are now, until it is released; what is not there now will not be there for it. */
  pin(instanceID: string, names: readonly string[]): void;
  /** An earlier hob made this instance: it needs these plugins, and what is not there now may still come. */
  adopt(instanceID: string, names: readonly string[]): void;
  /** The version of a plugin that serves an instance. `insteadOf` is the one that made it, when that is gone. */
  find(instanceID: string, name: string): { readonly plugin?: RegisteredPlugin; readonly insteadOf?: RegisteredPlugin };
  /** The instance needs its plugins no more. */
  release(instanceID: string): void;
  /** What is the newest now serves those who have nothing of use under its name. */
  standIn(name: string): void;
  isServing(plugin: RegisteredPlugin): boolean;
}

/**
 * @param newest the newest version of a plugin
 * @param letGo told of a plugin that no instance needs any more
 */
export function createInstancePlugins(
  newest: (name: string) => RegisteredPlugin | undefined,
  letGo: (plugin: RegisteredPlugin) => void,
): InstancePlugins {
  const pins = createPins();

  function repin(instanceID: string, name: string, pin: Pin): void {
    const before = pins.find(instanceID, name)?.plugin;
    pins.pin(instanceID, name, pin);
    pin.plugin?.setNeeded(true);
    if (before && !pins.isPinned(before)) letGo(before);
  }

  function pinNewest(instanceID: string, name: string, mayCome: boolean): void {
    const plugin = newest(name);
    repin(instanceID, name, plugin ? { plugin } : { mayCome });
  }

  /** Another version for one that is gone, if there is any. */
  function replace(instanceID: string, name: string, { plugin: gone, madeBy = gone }: Pin): void {
    const plugin = newest(name);
    repin(instanceID, name, { ...(plugin && { plugin }), ...(madeBy && { madeBy }) });
  }

  return {
    pin(instanceID, names) {
      for (const name of names) pinNewest(instanceID, name, false);
    },
    adopt(instanceID, names) {
      for (const name of names) pinNewest(instanceID, name, true);
    },
    find(instanceID, name) {
      const pin = pins.find(instanceID, name);
      if (!pin) pinNewest(instanceID, name, true);
      else if (pin.plugin && !pin.plugin.isUsable()) replace(instanceID, name, pin);
      const { plugin, madeBy: insteadOf } = pins.find(instanceID, name) ?? {};
      return { ...(plugin && { plugin }), ...(insteadOf && { insteadOf }) };
    },
    release(instanceID) {
      for (const plugin of pins.release(instanceID)) letGo(plugin);
    },
    standIn(name) {
      if (!newest(name)) return;
      for (const { instanceID, pin } of pins.inNeed(name)) replace(instanceID, name, pin);
    },
    isServing: (plugin) => pins.isPinned(plugin),
  };
}
