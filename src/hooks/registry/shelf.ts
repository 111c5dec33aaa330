import type { Candidate } from './candidates.ts';
import { hintNames } from '../hint-flags.ts';
import type { RegisteredPlugin } from '../registered-plugin.ts';

/** What `hob plugins` shows of a plugin, or of what tries to be one. */
export interface ListedPlugin {
  readonly name: string;
  readonly path: string;
  readonly kind: 'module' | 'executable';
  readonly hookHints: number;
  readonly hints: string[];
  readonly version: string;
  readonly state: 'ready' | 'broken';
  /** Why it is broken, or cannot do its part at the moment. */
  readonly reason?: string;
  /** What is odd about it. */
  readonly warnings: readonly string[];
}

/** What became of a candidate. */
export interface ShelfEntry {
  readonly candidate: Candidate;
  readonly loaded: { readonly plugin: RegisteredPlugin } | { readonly fault: string };
  /** How often in a row it could not be loaded. */
  readonly failures: number;
  readonly triedAt: number;
}

/** The candidates of all plugin folders and what became of them; the first of a name has it. */
export interface PluginShelf {
  entry(path: string): ShelfEntry | undefined;
  put(entry: ShelfEntry): void;
  /** Keep only these, in this order. Returns what was taken off. */
  keep(candidates: readonly Candidate[]): ShelfEntry[];
  get(name: string): RegisteredPlugin | undefined;
  whyMissing(name: string): string | undefined;
  list(): ListedPlugin[];
}

export function createShelf(): PluginShelf {
  const entries = new Map<string, ShelfEntry>();
  let order: readonly string[] = [];
  const inOrder = (): ShelfEntry[] => order.map((path) => entries.get(path)).filter((entry) => entry !== undefined);

  const owner = (name: string): ShelfEntry | undefined => inOrder().find((entry) => pluginOf(entry)?.name === name);
  const get = (name: string): RegisteredPlugin | undefined => pluginOf(owner(name));

  function info(entry: ShelfEntry): ListedPlugin {
    const { candidate, loaded } = entry;
    const { kind, version, path, label } = candidate;
    const nothing = { name: label, path, kind, version, hookHints: 0, hints: [], warnings: [] };
    if ('fault' in loaded) return { ...nothing, state: 'broken', reason: loaded.fault };
    const { name, hookHints, warnings } = loaded.plugin;
    const common = { name, path, kind, version, hookHints, hints: hintNames(hookHints), warnings };
    const reason = takenBy(entry) ?? loaded.plugin.fault();
    return reason === undefined ? { ...common, state: 'ready' } : { ...common, state: 'broken', reason };
  }

  /** Why another plugin has its name. */
  function takenBy(entry: ShelfEntry): string | undefined {
    const name = pluginOf(entry)?.name ?? '';
    const first = owner(name);
    return !first || first === entry ? undefined : `the name ${name} is taken by ${first.candidate.path}`;
  }

  return {
    entry: (path) => entries.get(path),
    put: (entry) => void entries.set(entry.candidate.path, entry),
    keep(candidates) {
      order = candidates.map(({ path }) => path);
      const gone = [...entries.values()].filter(({ candidate }) => !order.includes(candidate.path));
      for (const { candidate } of gone) entries.delete(candidate.path);
      return gone;
    },
    get,
    whyMissing(name) {
      const broken = inOrder().find(({ candidate, loaded }) => 'fault' in loaded && candidate.label === name);
      return broken && 'fault' in broken.loaded
        ? `${broken.candidate.path} is broken: ${broken.loaded.fault}`
        : undefined;
    },
    list: () => inOrder().map(info),
  };
}

export const pluginOf = (entry: ShelfEntry | undefined): RegisteredPlugin | undefined =>
  entry && 'plugin' in entry.loaded ? entry.loaded.plugin : undefined;
