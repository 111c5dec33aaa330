import type { FromThread, ModuleDescription } from './protocol.ts';
import type { PluginThread, ThreadEvents } from './thread.ts';
import type { HookLog } from '../registered-plugin.ts';

export interface ThreadLifeOptions {
  /** Start a thread; it loads the module and says so. */
  readonly open: (events: ThreadEvents) => PluginThread;
  readonly loadLimitMs: number;
  readonly path: string;
  readonly log: HookLog;
  /** What the module said of itself when it was loaded before: then it need not be loaded now. */
  readonly known?: ModuleDescription | undefined;
  /** It says something else of itself than it did: another file that it imports has changed. */
  readonly onOther: () => void;
  /** What the threads say of their calls. */
  readonly onMessage: (message: FromThread) => void;
  /** For the calls that were in it. */
  readonly onEnd: (thread: PluginThread, why: string) => void;
  /** `fault` or `isUsable` may answer something else. */
  readonly onChange: () => void;
}

/** The threads of one module, one after the other: there is one when it is called, and as long as a container needs it. */
export interface ThreadLife {
  /** What the module says of itself, for which the first thread is started. Rejects with why it cannot be loaded. */
  load(): Promise<ModuleDescription>;
  /** The thread that there is, or a new one. */
  use(): PluginThread;
  /** From now on the file holds another module: no more threads. */
  retire(): void;
  isUsable(): boolean;
  /** It still has to load what it is to call; it is ended when that takes too long. */
  isLoading(thread: PluginThread | undefined): boolean;
  /** Let there be another one for the next call; this one goes on until it is ended. */
  leave(thread: PluginThread): void;
  /** Let there be another one for the next call, and end this one. */
  end(thread: PluginThread | undefined, why: string): Promise<void>;
  /** While it is needed, it is started again when it dies; after a while, if it keeps dying. */
  setNeeded(isNeeded: boolean): void;
  /** End the thread that there is. Unless it is needed, the next one comes when `use` is called. */
  rest(): Promise<void>;
  /** Why there is no thread although it is needed; undefined when all is well. */
  fault(): string | undefined;
  /** End all of them; a `load` that waits is rejected. `use` may not be called any more. */
  close(): Promise<void>;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** Then earlier deaths no longer count. */
const STEADY_MS = 60_000;

export function createThreadLife(options: ThreadLifeOptions): ThreadLife {
  const { open, loadLimitMs, path, log } = options;
  const loading = Promise.withResolvers<ModuleDescription>();
  /** All that run, those too that were left, and whether they still load. */
  const threads = new Map<PluginThread, 'loading' | 'loaded'>();
  let thread: PluginThread | undefined;
  let identity = options.known;
  let isNeeded = false;
  let isRetired = false;
  let isClosed = false;
  let openedAt = 0;
  let deathsInRow = 0;
  let again: NodeJS.Timeout | undefined;
  let fault: string | undefined;

  function use(): PluginThread {
    clearTimeout(again);
    return (thread ??= start());
  }

  function start(): PluginThread {
    openedAt = performance.now();
    const limit = setTimeout(() => void end(opened, `it did not load within ${loadLimitMs / 1000} s`), loadLimitMs);
    const opened: PluginThread = open({
      message(message) {
        if (message.kind === 'loaded' || message.kind === 'broken') {
          clearTimeout(limit);
          threads.set(opened, 'loaded');
        }
        receive(opened, message);
      },
      exit(why) {
        clearTimeout(limit);
        threads.delete(opened);
        ended(opened, why);
      },
    });
    threads.set(opened, 'loading');
    return opened;
  }

  function receive(from: PluginThread, message: FromThread): void {
    if (message.kind === 'broken') return void end(from, message.reason);
    if (message.kind !== 'loaded') return options.onMessage(message);
    identity ??= message.module;
    loading.resolve(identity);
    if (isSame(identity, message.module)) return tellFault(undefined);
    options.onOther();
    void end(from, 'its file is another one now, with another name or other hints');
  }

  function leave(left: PluginThread): void {
    if (thread !== left) return;
    thread = undefined;
    options.onChange();
  }

  async function end(ending: PluginThread | undefined, why: string): Promise<void> {
    if (thread === ending) thread = undefined;
    await ending?.end(why);
  }

  function ended(thatOne: PluginThread, why: string): void {
    if (thread === thatOne) thread = undefined;
    loading.reject(new Error(why));
    if (isClosed) return;
    options.onEnd(thatOne, why);
    if (isNeeded && !isRetired && !thread) startAgain(why);
    else options.onChange();
  }

  /** Calls do not wait for this: they start a thread at once. */
  function startAgain(why: string): void {
    deathsInRow = performance.now() - openedAt >= STEADY_MS ? 1 : deathsInRow + 1;
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (deathsInRow - 1), LONGEST_WAIT_MS);
    const said = `${why}; containers need it, so it is started again in ${waitMs / 1000} s`;
    log.warn({ path }, `the thread of a plugin came to its end: ${said}`);
    clearTimeout(again);
    again = setTimeout(use, waitMs);
    tellFault(said);
  }

  function tellFault(found: string | undefined): void {
    fault = found;
    options.onChange();
  }

  return {
    load() {
      if (identity) return Promise.resolve(identity);
      use();
      return loading.promise;
    },
    use,
    isLoading: (asked) => asked !== undefined && threads.get(asked) === 'loading',
    leave,
    end,
    retire() {
      isRetired = true;
      clearTimeout(again);
    },
    isUsable: () => !isRetired || thread !== undefined,
    setNeeded(needed) {
      if (needed === isNeeded || isClosed) return;
      isNeeded = needed;
      if (isNeeded && !isRetired) use();
      if (isNeeded) return;
      clearTimeout(again);
      tellFault(undefined);
    },
    rest: () => end(thread, 'no container needs it'),
    fault: () => fault,
    async close() {
      isClosed = true;
      isNeeded = false;
      clearTimeout(again);
      await Promise.all([...threads.keys()].map((each) => end(each, 'hob lets go of it')));
    },
  };
}

const isSame = (one: ModuleDescription, other: ModuleDescription): boolean =>
  one.name === other.name && String(one.hookHints) === String(other.hookHints);
