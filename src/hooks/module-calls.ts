import { BEGUN, type CallState, type FromThread, QUEUED, takeFromQueue, WITHDRAWN } from './module-protocol.ts';
import type { PluginThread } from './module-thread.ts';
import { failed, type HookFailure, type HookLimits, type HookOutcome, type HookRequest } from './registered-plugin.ts';
import type { ThreadLife } from './thread-life.ts';

/** The calls to one ES-module plugin, over the deaths of its thread. */
export interface ModuleCalls {
  call(request: HookRequest, limits: HookLimits): Promise<HookOutcome>;
  isBusy(): boolean;
  /** What a thread says of its calls. */
  receive(message: FromThread): void;
  /** A thread is gone, with the calls that were in it. */
  lost(thread: PluginThread, why: string): void;
  /** Calls in flight stay without an answer, as if hob had died. */
  abandon(): void;
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

/** @param complain told in words why something that a hook added was not taken */
export function createModuleCalls(
  life: Pick<ThreadLife, 'use' | 'end' | 'isUsable'>,
  complain: (why: string) => void,
): ModuleCalls {
  const calls = new Map<number, Call>();
  let lastNumber = 0;

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
    const thread = life.use();
    call.thread = thread;
    const { number, request, state, limits } = call;
    thread.post({ kind: 'call', call: number, request, state, ...(limits.fds ? { fds: limits.fds } : {}) });
    startClock(call);
  }

  function receive(message: FromThread): void {
    if (message.kind === 'complaint') return complain(message.message);
    if (message.kind !== 'begun' && message.kind !== 'ended') return;
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
    void life.end(call.thread, `its thread did nothing else for ${seconds} s`);
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
    call.timer = setTimeout(() => void life.end(call.thread, endedFor(call)), call.limits.graceMs);
  }

  /** For those that did nothing wrong: who else brought the thread down. */
  const endedFor = ({ request }: Call): string =>
    `its thread was ended, because ${request.point} of container ${request.id} ignored its AbortSignal`;

  function lostThread(call: Call, why: string): void {
    if (call.verdict) {
      const message = `${call.verdict.message}, and ignored its AbortSignal; its thread was ended`;
      return call.settle({ ...call.verdict, message });
    }
    const isUntouched = Atomics.load(call.state, 0) === QUEUED;
    if (!isUntouched || call.wasRequeued || !life.isUsable()) return call.settle(failed('PluginCrashed', why));
    call.wasRequeued = true;
    send(call);
  }

  return {
    call,
    receive,
    isBusy: () => calls.size > 0,
    lost(thread, why) {
      for (const call of [...calls.values()].filter((each) => each.thread === thread)) lostThread(call, why);
    },
    abandon() {
      for (const { timer } of calls.values()) clearTimeout(timer);
    },
  };
}
