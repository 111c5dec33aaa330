import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient, Query } from './api-client.ts';
import { ApiError, isExpired, isNotFound, Unreachable } from './api-error.ts';
import type { KubeObject } from './resource.ts';

/** Where a reflector reports to. Calls are cheap and never throw. */
export interface ReflectorSink<T> {
  /** It is there, in this state. */
  seen(object: T, by: 'list' | 'watch'): void;
  /** It was deleted. */
  deleted(object: T): void;
  /** All has been read once more: `keys` are there, and nothing else is. */
  listed(keys: ReadonlySet<string>): void;
  /** Why it cannot be read now (undefined: it can). Told at each change, and at each failure in a row. */
  unavailable(reason: unknown): void;
}

export interface Reflector {
  /** Something says that the connection may be dead: make a new one. Costs little. */
  suspect(): void;
  /** Read all of it, now. */
  readAnew(): void;
  stop(): void;
}

export interface ReflectorOptions<T> {
  readonly client: ApiClient;
  /** Of the collection. */
  readonly path: string;
  /** Selectors. */
  readonly query?: Query;
  readonly keyOf: (object: T) => string;
  readonly sink: ReflectorSink<T>;
  /** Asked before each list and watch: rejects when this server must not be read. */
  readonly mayRead?: () => Promise<void>;
  readonly pace?: Partial<Pace>;
}

/** All in milliseconds. */
export interface Pace {
  /** After a first failure, and at most; each failure in a row doubles it. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  /** A watch that ended sooner counts as a failure. */
  readonly shortWatchMs: number;
  /** The server sends a bookmark about once a minute. */
  readonly silenceMs: number;
  /** All is read anew now and then, whatever watches have said. */
  readonly relistMs: number;
}

const usualPace: Pace = {
  firstPauseMs: 250,
  longestPauseMs: 5_000,
  shortWatchMs: 1_000,
  silenceMs: 100_000,
  relistMs: 600_000,
};

/** Objects that are read at once. */
const pageSize = 200;

interface ListPage<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

type WatchEvent<T> = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T } | WatchError;
type WatchError = { readonly type: 'ERROR'; readonly object: { code?: number; reason?: string; message?: string } };

/**
 * Mirrors a collection of an API server: reads all of it, then follows its watch, and so on for ever, whatever happens to server, connection
 * or rights. The library's informer ends at the first error that is not 410, and starts anew without a pause after others.
 */
export function reflect<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, path, query = {}, keyOf, sink, mayRead = async () => undefined } = options;
  const pace = { ...usualPace, ...options.pace };
  const ending = new AbortController();
  let suspicion = new AbortController();
  let version: string | undefined;
  let listedAt = -Infinity;

  async function run(): Promise<void> {
    for (let failures = 0; !ending.signal.aborted;) {
      const begunAt = performance.now();
      const isWell = await mirror(begunAt);
      const isShort = performance.now() - begunAt < pace.shortWatchMs;
      failures = isShort ? failures + 1 : isWell ? 0 : 1;
      if (failures > 0) await pause(failures);
    }
  }

  /** For as long as it goes. @returns whether the server ended it as servers do */
  async function mirror(now: number): Promise<boolean> {
    suspicion = new AbortController();
    try {
      await mayRead();
      if (version === undefined || now - listedAt > pace.relistMs) await list(now);
      await watch();
      return true;
    } catch (error) {
      // Who answers next may be another server, or one from a backup.
      if (isExpired(error) || isNotFound(error) || error instanceof Unreachable) version = undefined;
      if (!isExpired(error) && !suspicion.signal.aborted && !ending.signal.aborted) sink.unavailable(error);
      return false;
    }
  }

  /** Page by page, so that a large collection is never in memory as a whole. */
  async function list(begunAt: number): Promise<void> {
    const keys = new Set<string>();
    let page: ListPage<T> | undefined;
    do {
      page = await client.get<ListPage<T>>(path, { ...query, limit: pageSize, continue: page?.metadata.continue });
      for (const object of page.items) {
        keys.add(keyOf(object));
        sink.seen(object, 'list');
      }
    } while (page.metadata.continue);
    if (ending.signal.aborted) return;
    version = page.metadata.resourceVersion;
    // Asked for meanwhile, it is read once more.
    if (!suspicion.signal.aborted) listedAt = begunAt;
    sink.unavailable(undefined);
    sink.listed(keys);
  }

  async function watch(): Promise<void> {
    const signal = AbortSignal.any([ending.signal, suspicion.signal]);
    const asked = { ...query, resourceVersion: version, allowWatchBookmarks: true, timeoutSeconds: 300 };
    const onOpen = (): void => sink.unavailable(undefined);
    await client.watch(path, asked, (line) => take(JSON.parse(line) as WatchEvent<T>), {
      signal,
      silenceMs: pace.silenceMs,
      onOpen,
    });
  }

  function take(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') throw watchError(event.object);
    if (ending.signal.aborted) return;
    if (event.type === 'DELETED') sink.deleted(event.object);
    else if (event.type !== 'BOOKMARK') sink.seen(event.object, 'watch');
    version = event.object.metadata.resourceVersion;
  }

  /** Not all at once, when a server comes back to many. */
  async function pause(failures: number): Promise<void> {
    const ms = Math.min(pace.firstPauseMs * 2 ** (failures - 1), pace.longestPauseMs);
    await delay(ms * (0.5 + Math.random() / 2), undefined, { signal: ending.signal }).catch(() => undefined);
  }

  void run();
  return {
    suspect: () => suspicion.abort(),
    readAnew: () => {
      listedAt = -Infinity;
      suspicion.abort();
    },
    stop: () => ending.abort(),
  };
}

const watchError = ({
  code = 500,
  reason = 'InternalError',
  message = 'the watch failed',
}: WatchError['object']): ApiError => new ApiError(code, reason, message);
