import type { AddedMount, GivenParts, PluginAdditions, StartStateAdditions } from './additions.ts';
import { nameOf, placeOf } from './additions.ts';

/** What one plugin of a container adds, and whether the container can do without it. */
export interface AddingPlugin {
  readonly name: string;
  readonly required: boolean;
  readonly additions: PluginAdditions;
}

export interface AdditionConflict {
  /** The plugin whose additions are left out. */
  readonly plugin: AddingPlugin;
  /** Names both plugins, or the plugin and who else gives it. */
  readonly message: string;
}

interface Claim {
  /** A plugin, or `the spec` and the like. */
  readonly by: AddingPlugin | string;
  readonly value: string;
}

/**
 * Put together what the plugins of a container add, in their order. The same addition twice counts once. Where two disagree, all that
 * one of them adds is left out: the later one, but rather one that is not required than one that is.
 * @param given what the container has without plugins, which comes first: no plugin changes it. Of two that disagree the later counts.
 */
export function mergeAdditions(
  plugins: readonly AddingPlugin[],
  given: readonly GivenParts[] = [],
): {
  merged: Pick<StartStateAdditions, 'env' | 'mounts'>;
  conflicts: AdditionConflict[];
} {
  const claims = new Map(given.flatMap((parts) => claimsOf(parts, parts.by)));
  const conflicts: AdditionConflict[] = [];
  for (const plugin of requiredFirst(plugins)) {
    const message = conflictOf(plugin, claims);
    if (message !== undefined) conflicts.push({ plugin, message });
    else for (const [key, claim] of claimsOf(plugin.additions, plugin)) claims.set(key, claim);
  }
  const leftOut = new Set(conflicts.map(({ plugin }) => plugin));
  return {
    merged: joined(
      plugins.filter((plugin) => !leftOut.has(plugin)),
      given,
    ),
    conflicts,
  };
}

const requiredFirst = (plugins: readonly AddingPlugin[]): AddingPlugin[] =>
  plugins.toSorted((a, b) => Number(b.required) - Number(a.required));

/** What is to be unique, as words for people, and what it is to be. */
const claimsOf = ({ env, mounts }: PluginAdditions, by: Claim['by']): [key: string, Claim][] => [
  ...env.map((entry): [string, Claim] => [variableOf(entry), { by, value: entry }]),
  ...mounts.map((mount): [string, Claim] => [mountAt(mount), { by, value: meaningOf(mount) }]),
];

const variableOf = (entry: string): string => `environment variable ${nameOf(entry)}`;
const mountAt = ({ destination }: AddedMount): string => `mount at ${placeOf(destination)}`;

/** Two mounts that have it in common are the same, however their options are ordered. */
const meaningOf = ({ type, source, options }: AddedMount): string =>
  JSON.stringify([type, source, ...[...new Set(options)].toSorted()]);

/** Checks a plugin against itself too: two values in one call are as much of a riddle. */
function conflictOf(plugin: AddingPlugin, claims: ReadonlyMap<string, Claim>): string | undefined {
  const own = new Map<string, Claim>();
  const clashes = new Set<string>();
  for (const [key, claim] of claimsOf(plugin.additions, plugin)) {
    const earlier = claims.get(key) ?? own.get(key);
    if (earlier && earlier.value !== claim.value) clashes.add(conflictMessage(key, plugin, earlier.by));
    own.set(key, claim);
  }
  return clashes.size === 0 ? undefined : [...clashes].join('; ');
}

function conflictMessage(key: string, plugin: AddingPlugin, other: Claim['by']): string {
  if (other === plugin) return `plugin ${plugin.name} adds the ${key} twice, in different ways`;
  const both = typeof other === 'string' ? `${other} and plugin` : `plugins ${other.name} and`;
  return `${both} ${plugin.name} both add the ${key}, in different ways`;
}

/** What is given already, or was added by an earlier plugin, is not added once more. */
function joined(
  plugins: readonly AddingPlugin[],
  given: readonly GivenParts[],
): { env: string[]; mounts: AddedMount[] } {
  const taken = new Set(given.flatMap((parts) => claimsOf(parts, parts.by)).map(([key]) => key));
  const isNew = (key: string): boolean => {
    const before = taken.size;
    return taken.add(key).size > before;
  };
  const additions = plugins.map((plugin) => plugin.additions);
  return {
    env: additions.flatMap(({ env }) => env).filter((entry) => isNew(variableOf(entry))),
    mounts: additions.flatMap(({ mounts }) => mounts).filter((mount) => isNew(mountAt(mount))),
  };
}
