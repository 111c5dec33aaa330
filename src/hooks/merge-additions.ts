import { type AddedMount, nameOf, type PluginAdditions, placeOf, type StartStateAdditions } from './additions.ts';

/** What one plugin of a container adds, and whether the container can do without it. */
export interface AddingPlugin {
  readonly name: string;
  readonly required: boolean;
  readonly additions: PluginAdditions;
}

export interface AdditionConflict {
  /** The plugin whose additions are left out. */
  readonly plugin: AddingPlugin;
  /** Names both plugins. */
  readonly message: string;
}

interface Claim {
  readonly plugin: string;
  readonly value: string;
}

/**
 * Put together what the plugins of a container add, in their order. The same addition twice counts once. Where two disagree, all that
 * one of them adds is left out: the later one, but rather one that is not required than one that is.
 */
export function mergeAdditions(plugins: readonly AddingPlugin[]): {
  merged: Pick<StartStateAdditions, 'env' | 'mounts'>;
  conflicts: AdditionConflict[];
} {
  const claims = new Map<string, Claim>();
  const conflicts: AdditionConflict[] = [];
  for (const plugin of requiredFirst(plugins)) {
    const message = conflictOf(plugin, claims);
    if (message !== undefined) conflicts.push({ plugin, message });
    else for (const [key, value] of keyed(plugin.additions)) claims.set(key, { plugin: plugin.name, value });
  }
  const leftOut = new Set(conflicts.map(({ plugin }) => plugin));
  return { merged: joined(plugins.filter((plugin) => !leftOut.has(plugin))), conflicts };
}

const requiredFirst = (plugins: readonly AddingPlugin[]): AddingPlugin[] =>
  plugins.toSorted((a, b) => Number(b.required) - Number(a.required));

/** What is to be unique, as words for people, and what it is to be. */
function keyed({ env, mounts }: PluginAdditions): [key: string, value: string][] {
  return [
    ...env.map((entry): [string, string] => [`environment variable ${nameOf(entry)}`, entry]),
    ...mounts.map((mount): [string, string] => [`mount at ${placeOf(mount.destination)}`, mount.source]),
  ];
}

/** Checks a plugin against itself too: two values in one call are as much of a riddle. */
function conflictOf({ name, additions }: AddingPlugin, claims: ReadonlyMap<string, Claim>): string | undefined {
  const own = new Map<string, Claim>();
  for (const [key, value] of keyed(additions)) {
    const claim = claims.get(key) ?? own.get(key);
    if (claim && claim.value !== value) return conflictMessage(key, name, claim.plugin);
    own.set(key, { plugin: name, value });
  }
  return undefined;
}

const conflictMessage = (key: string, plugin: string, other: string): string =>
  plugin === other
    ? `plugin ${plugin} adds the ${key} twice, in different ways`
    : `plugins ${other} and ${plugin} both add the ${key}, in different ways`;

function joined(plugins: readonly AddingPlugin[]): { env: string[]; mounts: AddedMount[] } {
  const mounts = plugins.flatMap(({ additions }) => additions.mounts);
  const places = mounts.map(({ destination }) => placeOf(destination));
  return {
    env: [...new Set(plugins.flatMap(({ additions }) => additions.env))],
    mounts: mounts.filter((_, index) => places.indexOf(places[index] ?? '') === index),
  };
}
