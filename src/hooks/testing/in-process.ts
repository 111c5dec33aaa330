import { callPlugin } from '../call-plugin.ts';
import { createFdTable } from '../start-state/fd-table.ts';
import { checkIdentity } from '../identity.ts';
import { describePlugin } from '../module/make-plugin.ts';
import type { Plugin } from '../plugin.ts';
import { failed, type HookFailure, type HookLimits, type HookOutcome } from '../registered-plugin.ts';
import type { HookRequest, RegisteredPlugin } from '../registered-plugin.ts';

/**
 * A plugin that is called in this very thread, for tests of plugins and for the benchmark. hob itself never does that: a hook that
 * blocks would block all of it, and none can be cut off.
 * @param complain for the author of the plugin: what was not taken, and what was thrown
 * Throws an Error that says what is wrong with the plugin's name, hints or methods.
 */
export function inProcessPlugin(plugin: Plugin, complain: (why: string) => void): RegisteredPlugin {
  return {
    ...checkIdentity(describePlugin(plugin)),
    kind: 'module',
    path: 'in this process',
    version: 'in this process',
    call: (request, limits) => callWithin(plugin, request, limits, complain),
    setNeeded: () => undefined,
    retire: () => undefined,
    isUsable: () => true,
    fault: () => undefined,
    close: async () => undefined,
  };
}

async function callWithin(
  plugin: Plugin,
  request: HookRequest,
  limits: HookLimits,
  complain: (why: string) => void,
): Promise<HookOutcome> {
  const { timeoutMs, graceMs, signal, onBegun, fds = createFdTable() } = limits;
  const controller = new AbortController();
  const givenUp = Promise.withResolvers<HookFailure>();
  let verdict: HookFailure | undefined;
  let timer = setTimeout(
    () => tellToEnd(failed('HookTimedOut', `it did not end within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  const onStop = (): void => tellToEnd(failed('HookAborted', 'the container is to stop'));

  function tellToEnd(failure: HookFailure): void {
    if (verdict) return;
    verdict = failure;
    controller.abort(new Error(failure.message));
    clearTimeout(timer);
    const ignored = { ...failure, message: `${failure.message}, and ignored its AbortSignal` };
    timer = setTimeout(() => givenUp.resolve(ignored), graceMs);
  }

  signal.addEventListener('abort', onStop);
  const running = callPlugin(plugin, request, { signal: controller.signal, fds, complain });
  onBegun?.();
  const answered = running.then((outcome) => verdict ?? outcome);
  const outcome = await Promise.race([answered, givenUp.promise]);
  clearTimeout(timer);
  signal.removeEventListener('abort', onStop);
  return outcome;
}
