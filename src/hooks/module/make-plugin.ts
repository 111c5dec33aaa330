import { inspect } from 'node:util';
import type { ModuleDescription } from './protocol.ts';
import { hookPoints, type Plugin, PluginBase } from '../plugin.ts';
import type { PluginEnvironment, PluginFactory, PluginUtilities } from '../plugin.ts';

/**
 * Make a plugin of the default export of a module: a plugin, a function that makes one, or a class that extends PluginBase.
 * @throws Error when it is none of them, and whatever the factory or the constructor throws
 */
export async function makePlugin(
  exported: unknown,
  environment: PluginEnvironment,
  utilities: PluginUtilities,
): Promise<Plugin> {
  const made = await construct(exported, environment, utilities);
  if (isPlugin(made)) return made;
  throw new Error(
    'its default export must be an object with name and hookHints, a function that returns one, or a class that extends PluginBase',
  );
}

/** What a plugin says of itself, once and for all. */
export function describePlugin(plugin: Plugin): ModuleDescription {
  const methods = hookPoints.filter((point) => typeof plugin[point] === 'function');
  const written = methods.filter((point) => plugin[point] !== PluginBase.prototype[point]);
  return { name: sendable(plugin.name), hookHints: sendable(plugin.hookHints), methods, written };
}

function construct(exported: unknown, ...parts: Parameters<PluginFactory>): unknown {
  if (isPluginClass(exported)) return new exported(...parts);
  return isFactory(exported) ? exported(...parts) : exported;
}

const isPluginClass = (value: unknown): value is new (...parts: Parameters<PluginFactory>) => unknown =>
  typeof value === 'function' && value.prototype instanceof PluginBase;

/** A class of another kind cannot be called. */
const isFactory = (value: unknown): value is (...parts: Parameters<PluginFactory>) => unknown =>
  typeof value === 'function' && !/^class\b/.test(Function.prototype.toString.call(value));

/** What name, hints and methods are worth is checked by hob, in words. */
const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'object' && value !== null && 'name' in value && 'hookHints' in value;

/** Whatever is there instead of what should be can be told to another thread. */
function sendable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => (typeof item === 'string' ? item : inspect(item)));
  return ['string', 'number', 'undefined'].includes(typeof value) ? value : inspect(value);
}
