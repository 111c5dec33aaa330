import { BEGUN, type CallState, type FromThread, type ModuleDescription } from './module-protocol.ts';
import { QUEUED, takeFromQueue, WITHDRAWN } from './module-protocol.ts';
import type { PluginThread, ThreadEvents } from './module-thread.ts';
import { failed, type HookFailure, type HookLimits, type HookOutcome, type HookRequest } from './registered-plugin.ts';

/** The calls to one ES-module plugin, over the deaths of its thread. */
export interface ModuleCalls {
  /** Start the thread now and say what is in the module. Rejects with why it could not be loaded. */
  load(limitMs: number): Promise<ModuleDescription>;
  call(request: HookRequest, limits: HookLimits): Promise<HookOutcome>;
  hasThread(): boolean;
  isBusy(): boolean;
  endThread(): Promise<void>;
  /** End the thread for good; calls in flight stay without an answer, as if hob had died. */
  close(): Promise<void>;
}

interface Call {
  readonly number: number;
  readonly request: HookRequest;
  readonly limits: HookLimits;
  readonly state: CallState;
  readonly settle: (outcome: HookOutcome) => void;
  thread?: PluginThread;
  timer?: NodeJS.Timeout;
  /** It waited in the queue of a thread that was ended, and was handed to the next one. */
  wasRequeued: boolean;
  /** Set when the hook was told to end: the answer, whatever it still says. */
  verdict?: HookFailure;
}

/**
 * @param open starts a thread; called when there is none and a call comes
 * @param complain told in words why something that a hook added was not taken
 */
export function createModuleCalls(
  open: (events: ThreadEvents) => PluginThread,
  complain: (why: string) => void,
): ModuleCalls {
  const calls = new Map<number, Call>();
  let thread: PluginThread | undefined;
  let lastNumber = 0;
  let isClosed = false;
  const loading = Promise.withResolvers<ModuleDescription>();

  async function load(limitMs: number): Promise<ModuleDescription> {
    thread = openThread();
    const timer = setTimeout(() => cutOff(thread, `it did not load within ${limitMs / 1000} s`), limitMs);
    return loading.promise.finally(() => clearTimeout(timer));
  }

  function call(request: HookRequest, limits: HookLimits): Promise<HookOutcome> {
    const { promise, resolve } = Promise.withResolvers<HookOutcome>();
    const number = ++lastNumber;
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const call: Call = { number, request, limits, state, settle, wasRequeued: false };
    const onAbort = (): void => abort(call);
    function settle(outcome: HookOutcome): void {
      clearTimeout(call.timer);
      calls.delete(number);
      limits.signal.removeEventListener('abort', onAbort);
      limits.onBegun?.();
      resolve(outcome);
    }
    calls.set(number, call);
    limits.signal.addEventListener('abort', onAbort);
    if (limits.signal.aborted) onAbort();
    else send(call);
    return promise;
  }

  function send(call: Call): void {
    thread ??= openThread();
    call.thread = thread;
    const { number, request, state, limits } = call;
    thread.post({ kind: 'call', call: number, request, state, ...(limits.fds ? { fds: limits.fds } : {}) });
    startClock(call);
  }

  function openThread(): PluginThread {
    const opened = open({
      message: (message) => receive(opened, message),
      exit: (why) => threadEnded(opened, why),
    });
    return opened;
  }

  function receive(from: PluginThread, message: FromThread): void {
    if (message.kind === 'loaded') return loading.resolve(message.module);
    if (message.kind === 'broken') return cutOff(from, message.reason);
    if (message.kind === 'complaint') return complain(message.message);
    const call = calls.get(message.call);
    if (!call) return;
    if (message.kind === 'ended') return call.settle(call.verdict ?? message.outcome);
    call.limits.onBegun?.();
    if (!call.verdict) startClock(call);
  }

  /** The time that a call waits for its thread is not the hook's: the clock starts anew when the hook begins. */
  function startClock(call: Call): void {
    clearTimeout(call.timer);
    call.timer = setTimeout(() => tooLate(call), call.limits.timeoutMs);
  }

  function tooLate(call: Call): void {
    const seconds = call.limits.timeoutMs / 1000;
    if (Atomics.load(call.state, 0) === BEGUN)
      return tellToEnd(call, failed('HookTimedOut', `it did not end within ${seconds} s`));
    if (call.wasRequeued && takeFromQueue(call.state, WITHDRAWN))
      return call.settle(failed('HookTimedOut', `its thread was busy with other calls for ${seconds} s`));
    cutOff(call.thread, `its thread did nothing else for ${seconds} s`);
  }

  function abort(call: Call): void {
    const verdict = failed('HookAborted', 'the container is to stop');
    if (takeFromQueue(call.state, WITHDRAWN)) call.settle(verdict);
    else if (!call.verdict) tellToEnd(call, verdict);
  }

  function tellToEnd(call: Call, verdict: HookFailure): void {
    call.verdict = verdict;
    call.thread?.post({ kind: 'abort', call: call.number, reason: verdict.message });
    clearTimeout(call.timer);
    call.timer = setTimeout(() => cutOff(call.thread, endedFor(call)), call.limits.graceMs);
  }

  /** For those that did nothing wrong: who else brought the thread down. */
  const endedFor = ({ request }: Call): string =>
    `its thread was ended, because ${request.point} of container ${request.id} ignored its AbortSignal`;

  /** New calls get a new thread at once; those of the old one are settled when it is gone. */
  function cutOff(ended: PluginThread | undefined, why: string): void {
    if (thread === ended) thread = undefined;
    void ended?.end(why);
  }

  function threadEnded(ended: PluginThread, why: string): void {
    if (thread === ended) thread = undefined;
    loading.reject(new Error(why));
    if (isClosed) return;
    for (const call of [...calls.values()].filter((each) => each.thread === ended)) lostThread(call, why);
  }

  function lostThread(call: Call, why: string): void {
    if (call.verdict) {
      const message = `${call.verdict.message}, and ignored its AbortSignal; its thread was ended`;
      return call.settle({ ...call.verdict, message });
    }
    if (Atomics.load(call.state, 0) !== QUEUED || call.wasRequeued) return call.settle(failed('PluginCrashed', why));
    call.wasRequeued = true;
    send(call);
  }

  async function endThread(): Promise<void> {
    const ending = thread;
    thread = undefined;
    await ending?.end('no container needs it');
  }

  return {
    load,
    call,
    endThread,
    hasThread: () => thread !== undefined,
    isBusy: () => calls.size > 0,
    async close() {
      isClosed = true;
      for (const { timer } of calls.values()) clearTimeout(timer);
      await endThread();
    },
  };
}
