import { BEGUN, type CallState, type FromThread, QUEUED, takeFromQueue, WITHDRAWN } from './protocol.ts';
import type { PluginThread } from './thread.ts';
import { failed, type HookFailure, type HookLimits, type HookOutcome, type HookRequest } from '../registered-plugin.ts';
import type { ThreadLife } from './thread-life.ts';

/** The calls to one ES-module plugin, over the deaths of its thread. */
export interface ModuleCalls {
  call(request: HookRequest, limits: HookLimits): Promise<HookOutcome>;
  isBusy(): boolean;
  /** What a thread says of its calls. */
  receive(message: FromThread): void;
  /** A thread is gone, with the calls that were in it. */
  lost(thread: PluginThread, why: string): void;
  /** Calls in flight, and those that still come, stay without an answer, as if hob had died. */
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
  entering?: NodeJS.Timeout;
  /** The thread has said that the hook itself runs. */
  hasBegun: boolean;
  /** It waited in the queue of a thread that was ended, and was handed to the next one. */
  wasRequeued: boolean;
  /** Set when the hook was told to end: the answer, whatever it still says. */
  verdict?: HookFailure;
}

/** How long a thread that nothing blocks may take to say so. */
const ANSWER_MS = 200;
/** The synchronous hooks of a point wait so long for an asynchronous one to do what it does at once. */
const ENTER_MS = 50;

/** @param complain told in words why something that a hook added was not taken */
export function createModuleCalls(
  life: Pick<ThreadLife, 'use' | 'isLoading' | 'leave' | 'end' | 'isUsable'>,
  complain: (why: string) => void,
): ModuleCalls {
  const calls = new Map<number, Call>();
  /** They get no new calls, and end with the last one that is in them; with why. */
  const left = new Map<PluginThread, string>();
  let lastNumber = 0;
  let isAbandoned = false;
  const callsIn = (thread: PluginThread | undefined): Call[] =>
    [...calls.values()].filter((each) => each.thread === thread);

  function call(request: HookRequest, limits: HookLimits): Promise<HookOutcome> {
    const { promise, resolve } = Promise.withResolvers<HookOutcome>();
    const number = ++lastNumber;
    const state = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const call: Call = { number, request, limits, state, settle, hasBegun: false, wasRequeued: false };
    const onAbort = (): void => abort(call);
    function settle(outcome: HookOutcome): void {
      clearTimeout(call.timer);
      clearTimeout(call.entering);
      calls.delete(number);
      limits.signal.removeEventListener('abort', onAbort);
      limits.onBegun?.();
      resolve(outcome);
      if (call.thread) endIfLeft(call.thread);
    }
    if (isAbandoned) return promise;
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
    const call = 'call' in message ? calls.get(message.call) : undefined;
    if (!call) return;
    if (message.kind === 'ended') call.settle(call.verdict ?? message.outcome);
    if (message.kind === 'begun') begun(call);
    if (message.kind === 'entered') call.limits.onBegun?.();
    if (message.kind === 'pong') giveUp(call);
  }

  function begun(call: Call): void {
    call.hasBegun = true;
    // One that blocks never says that it has entered.
    call.entering = setTimeout(() => call.limits.onBegun?.(), ENTER_MS);
    if (!call.verdict) startClock(call);
  }

  /** The time that a call waits for its thread is not the hook's: the clock starts anew when the hook begins. */
  function startClock(call: Call): void {
    clearTimeout(call.timer);
    call.timer = setTimeout(() => tooLate(call), call.limits.timeoutMs);
  }

  function tooLate(call: Call): void {
    const seconds = call.limits.timeoutMs / 1000;
    if (call.hasBegun) return tellToEnd(call, failed('HookTimedOut', `it did not end within ${seconds} s`));
    if (life.isLoading(call.thread) || isInHook(call.thread)) return startClock(call);
    if (call.wasRequeued && takeFromQueue(call.state, WITHDRAWN))
      return call.settle(failed('HookTimedOut', `its thread took no call for ${seconds} s`));
    void life.end(call.thread, `its thread took no call for ${seconds} s`);
  }

  /** Whoever waits for it need do no more: each hook that has begun has limits of its own, and then its thread is ended. */
  const isInHook = (thread: PluginThread | undefined): boolean =>
    callsIn(thread).some(({ state }) => Atomics.load(state, 0) === BEGUN);

  function abort(call: Call): void {
    if (isAbandoned) return;
    const verdict = failed('HookAborted', 'the container is to stop');
    if (takeFromQueue(call.state, WITHDRAWN)) call.settle(verdict);
    else if (!call.verdict) tellToEnd(call, verdict);
  }

  function tellToEnd(call: Call, verdict: HookFailure): void {
    call.verdict = verdict;
    call.thread?.post({ kind: 'abort', call: call.number, reason: verdict.message });
    clearTimeout(call.timer);
    call.timer = setTimeout(() => cutOff(call), call.limits.graceMs);
  }

  /** A thread that is blocked is ended at once, with all that is in it. The others in one that is not are spared. */
  function cutOff(call: Call): void {
    call.thread?.post({ kind: 'ping', call: call.number });
    call.timer = setTimeout(() => void life.end(call.thread, endedFor(call)), ANSWER_MS);
  }

  function giveUp(call: Call): void {
    const { thread, verdict } = call;
    if (!thread || !verdict) return;
    clearTimeout(call.timer);
    if (callsIn(thread).length === 1) return void life.end(thread, endedFor(call));
    left.set(thread, endedFor(call));
    life.leave(thread);
    const message = `${verdict.message}, and ignored its AbortSignal; its thread ends with the other calls in it`;
    call.settle({ ...verdict, message });
  }

  function endIfLeft(thread: PluginThread): void {
    const why = left.get(thread);
    if (why === undefined || callsIn(thread).length > 0) return;
    left.delete(thread);
    void life.end(thread, why);
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
      left.delete(thread);
      for (const call of callsIn(thread)) lostThread(call, why);
    },
    abandon() {
      isAbandoned = true;
      for (const { timer } of calls.values()) clearTimeout(timer);
    },
  };
}
