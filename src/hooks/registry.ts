import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { wordsOf } from '../host/errors.ts';
import { type Candidate, findCandidates } from './registry/candidates.ts';
import { watchFolders } from './registry/folder-watch.ts';
import { createInstancePlugins, type InstancePlugins } from './registry/instance-plugins.ts';
import { type LoaderOptions, loadPlugin } from './registry/loader.ts';
import { createShelf, type ListedPlugin, pluginOf, type ShelfEntry } from './registry/shelf.ts';
import { removeAllOf, removeMetadata } from './plugin-state.ts';
import type { RegisteredPlugin } from './registered-plugin.ts';
import { createRescans } from './registry/rescans.ts';
import { strayFile } from './registry/stray-file.ts';

export type { ListedPlugin } from './registry/shelf.ts';

/** The plugins that there are in the plugin folders, kept up to date. */
export interface PluginRegistry extends Pick<InstancePlugins, 'pin' | 'adopt' | 'find'> {
  /** Look at the folders, and watch them from then on. Resolves when every plugin is loaded or known to be broken. */
  start(): Promise<void>;
  list(): ListedPlugin[];
  /** The newest version of a plugin. */
  get(name: string): RegisteredPlugin | undefined;
  /** Why `get` has nothing under a name, in words. */
  whyMissing(name: string): string;
  /** The instance needs its plugins no more; what they remembered of its container is removed. */
  release(instanceID: string, containerID: string): void;
  /** The container is gone: remove whatever plugins kept of it. @throws Error when something is left */
  forget(containerID: string): void;
  /**
   * End all threads. Calls in flight stay without an answer, as if hob had died.
   * @returns how many threads did not end; with any, this process cannot exit any more but by SIGKILL
   */
  close(): Promise<number>;
}

/** Where the plugins are, and what they are run with. The limits have defaults. */
export type RegistryOptions = Pick<LoaderOptions, 'run' | 'stateDir' | 'surroundings' | 'log'> &
  Partial<Pick<LoaderOptions, 'loadLimitMs' | 'idleMs'>> &
  RegistryFolders;

interface RegistryFolders {
  /** In the order in which they win a name. */
  readonly folders: readonly string[];
  /** Called after each change of what `get` and `list` answer. */
  readonly onChange?: () => void;
  /** How long the folders must be quiet before they are looked at: plugins are copied in pieces. */
  readonly settleMs?: number;
}

const LOAD_LIMIT_MS = 5_000;
const IDLE_MS = 30_000;
const SETTLE_MS = 300;
const MINUTE_MS = 60_000;
const MAX_RETRY_MS = 60 * MINUTE_MS;
/** All at once would cost memory that is never given back. */
const LOADS_AT_ONCE = 2;
/** One that takes longer than this waits for something rather than works: the next one need not wait for it. */
const LOAD_WORK_MS = 500;

export function createPluginRegistry(options: RegistryOptions): PluginRegistry {
  const { folders, stateDir, log, onChange, settleMs = SETTLE_MS } = options;
  const stuck: LoaderOptions['stuck'] = new Map();
  const closing = new AbortController();
  const limits = { loadLimitMs: LOAD_LIMIT_MS, idleMs: IDLE_MS };
  const loader: LoaderOptions = { ...limits, ...options, stuck, closing: closing.signal, onChange: refresh };
  const shelf = createShelf();
  const instances = createInstancePlugins((name) => shelf.get(name), letGo);
  /** Replaced or removed, but some instance still needs them. */
  const retired = new Set<RegisteredPlugin>();
  const underWay = new Set<Candidate>();
  const rescans = createRescans(settleMs, look, (err) =>
    log.error({ err }, 'the plugin folders could not be looked at'),
  );
  const watch = watchFolders(() => rescans.hint(), log);
  let shown: ListedPlugin[] = [];

  async function look(): Promise<void> {
    const candidates = await findCandidates(folders);
    if (closing.signal.aborted) return;
    const hasNewFolders = watch.watch([...folders, ...candidates.flatMap((candidate) => candidate.folders)]);
    if (hasNewFolders) rescans.hint();
    for (const gone of shelf.keep(candidates)) {
      log.info({ path: gone.candidate.path }, `plugin ${nameIn(gone)} was removed`);
      retire(gone);
    }
    publish();
    await eachOf(
      candidates.filter((candidate) => isDue(candidate, shelf.entry(candidate.path))),
      load,
    );
  }

  async function load(candidate: Candidate): Promise<void> {
    if (closing.signal.aborted) return;
    const before = shelf.entry(candidate.path);
    underWay.add(candidate);
    const entry = await tryToLoad(candidate, before);
    underWay.delete(candidate);
    shelf.put(entry);
    if (closing.signal.aborted) return;
    pluginOf(entry)?.setNeeded(false);
    retire(before);
    refresh();
  }

  /** Plugins came, or one that was there is of no use any more: to those in need they stand in. */
  function refresh(): void {
    for (const { name } of shelf.list()) instances.standIn(name);
    publish();
  }

  async function tryToLoad(candidate: Candidate, before: ShelfEntry | undefined): Promise<ShelfEntry> {
    const triedAt = performance.now();
    try {
      return { candidate, loaded: { plugin: await loadPlugin(candidate, loader) }, failures: 0, triedAt };
    } catch (error) {
      return { candidate, loaded: { fault: wordsOf(error) }, failures: (before?.failures ?? 0) + 1, triedAt };
    }
  }

  function retire(entry: ShelfEntry | undefined): void {
    const plugin = pluginOf(entry);
    if (!plugin) return;
    plugin.retire();
    retired.add(plugin);
    if (!instances.isServing(plugin)) letGo(plugin);
  }

  /** No instance needs it any more. */
  function letGo(plugin: RegisteredPlugin): void {
    if (retired.delete(plugin)) void plugin.close();
    else plugin.setNeeded(false);
  }

  function publish(): void {
    const plugins = shelf.list();
    if (isDeepStrictEqual(plugins, shown)) return;
    for (const plugin of plugins.filter((each) => !shown.some((old) => isDeepStrictEqual(old, each)))) tell(plugin);
    shown = plugins;
    onChange?.();
  }

  function tell({ name, path, hints, reason, warnings }: ListedPlugin): void {
    if (reason === undefined) log.info({ path }, `plugin ${name} is ready: ${hints.join(', ') || 'no hints'}`);
    else log.warn({ path }, `plugin ${name} cannot be used: ${reason}`);
    for (const warning of warnings) log.warn({ path }, `plugin ${name}: ${warning}`);
  }

  function whyNotYet(name: string): string | undefined {
    const candidate = [...underWay].find(({ label }) => label === name);
    return candidate && `${candidate.path} is not loaded yet`;
  }

  /** What plugins kept is in nobody's way for long: the next container of that name may find it. */
  function tryTo(remove: () => void): void {
    try {
      remove();
    } catch (err) {
      log.warn({ err }, 'what plugins kept of a container could not be removed');
    }
  }

  return {
    async start() {
      watch.watch(folders);
      await rescans.now();
    },
    list: () => shelf.list(),
    get: (name) => shelf.get(name),
    whyMissing: (name) =>
      shelf.whyMissing(name) ??
      whyNotYet(name) ??
      strayFile(folders, name) ??
      `no plugin folder (${folders.join(', ') || 'there is none'}) has it`,
    pin: instances.pin,
    adopt: instances.adopt,
    find: instances.find,
    release(instanceID, containerID) {
      instances.release(instanceID);
      tryTo(() => removeMetadata(stateDir, containerID));
    },
    forget: (containerID) => removeAllOf(stateDir, containerID),
    async close() {
      closing.abort(new Error('hob lets go of it'));
      watch.close();
      await rescans.stop();
      const loaded = shelf.keep([]).map(pluginOf);
      const plugins = [...retired, ...loaded].filter((plugin) => plugin !== undefined);
      await Promise.all(plugins.map((plugin) => plugin.close()));
      return stuck.size;
    },
  };
}

const nameIn = (entry: ShelfEntry): string => pluginOf(entry)?.name ?? entry.candidate.label;

/** New, changed, or broken for a while: each failure in a row doubles the wait. */
function isDue(candidate: Candidate, entry: ShelfEntry | undefined): boolean {
  if (!entry || !isSame(entry.candidate, candidate)) return true;
  if (entry.failures === 0) return false;
  const wait = Math.min(MINUTE_MS * 2 ** (entry.failures - 1), MAX_RETRY_MS);
  return performance.now() - entry.triedAt >= wait;
}

const isSame = (one: Candidate, other: Candidate): boolean =>
  one.version === other.version && one.main === other.main && one.fault === other.fault;

/** Work through a list, a few at a time, and more while they take long. Resolves when all is done. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const begun: Promise<void>[] = [];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      const working = work(item);
      begun.push(working);
      await Promise.race([working, delay(LOAD_WORK_MS, undefined, { ref: false })]);
    }
  };
  await Promise.all(Array.from({ length: LOADS_AT_ONCE }, worker));
  await Promise.all(begun);
}
