/**
 * The plugin's side of an ES-module plugin: runs in a worker thread, loads the module and calls its hooks. What the plugin does here
 * (a blocking loop, process.exit, an unhandled rejection) ends or blocks this thread, never hob.
 */

import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import { createFdTable } from './fd-table.ts';
import { BEGUN, type FromThread, takeFromQueue, type ThreadStart, type ToThread } from './module-protocol.ts';
import { type HookContext, hookPoints, type Plugin } from './plugin.ts';
import { failed, type HookOutcome, type HookRequest } from './registered-plugin.ts';
import { type CollectingStartState, createStartState } from './start-state.ts';
import { describeLoadError, describeThrown } from './thrown.ts';

/** What a plugin anywhere on the host can import from hob, by these names. */
const offered = new Map([
  ['hob/plugin', new URL('plugin.ts', import.meta.url).href],
  ['hob/hint-flags', new URL('hint-flags.ts', import.meta.url).href],
]);

const running = new Map<number, AbortController>();
const post = (message: FromThread): void => parentPort?.postMessage(message);

async function load({ path, stateDir }: ThreadStart): Promise<void> {
  try {
    const plugin = await importPlugin(path);
    process.env['HOB_PLUGIN_STATE_DIR'] = join(stateDir, String(plugin.name));
    parentPort?.on('message', (message: ToThread) => void receive(plugin, message));
    const methods = hookPoints.filter((point) => typeof plugin[point] === 'function');
    post({ kind: 'loaded', module: { name: plugin.name, hookHints: plugin.hookHints, methods } });
  } catch (error) {
    post({ kind: 'broken', reason: describeLoadError(error, path) });
  }
}

/** The default export of a module: a plugin, or a function that makes one. */
async function importPlugin(path: string): Promise<Plugin> {
  const { default: exported } = (await import(pathToFileURL(path).href)) as { default?: unknown };
  const plugin = isFactory(exported) ? await exported() : exported;
  if (isPlugin(plugin)) return plugin;
  throw new Error('its default export must be an object with name and hookHints, or a function that returns one');
}

const isFactory = (value: unknown): value is () => unknown => typeof value === 'function';

/** What name, hints and methods are worth is checked by hob, in words. */
const isPlugin = (value: unknown): value is Plugin =>
  typeof value === 'object' && value !== null && 'name' in value && 'hookHints' in value;

async function receive(plugin: Plugin, message: ToThread): Promise<void> {
  if (message.kind === 'abort') return running.get(message.call)?.abort(new Error(message.reason));
  const { call, request, state, fds = createFdTable() } = message;
  if (!takeFromQueue(state, BEGUN)) return;
  post({ kind: 'begun', call });
  const controller = new AbortController();
  running.set(call, controller);
  const startState = createStartState(fds, (why) => complain(request, why));
  const outcome = await outcomeOf(plugin, request, startState, controller.signal);
  running.delete(call);
  post({ kind: 'ended', call, outcome });
}

/** For the author of the plugin, in hob's log. */
const complain = ({ id, point }: HookRequest, what: string): void =>
  post({ kind: 'complaint', message: `${point} of ${id}: ${what}` });

async function outcomeOf(
  plugin: Plugin,
  request: HookRequest,
  startState: CollectingStartState,
  signal: AbortSignal,
): Promise<HookOutcome> {
  try {
    const context = { signal, attempt: request.attempt, instanceID: request.instanceID };
    const answer: unknown = await callHook(plugin, request, startState, context);
    const additions = startState.finish();
    if (answer === true) return { ok: true, additions };
    if (answer === false) return failed('HookFailed', 'it answered false');
    return failed('BadAnswer', `it answered with ${typeof answer} where true or false was expected`);
  } catch (error) {
    startState.finish();
    complain(request, inspect(error));
    return failed('HookThrew', describeThrown(error));
  }
}

/** Each point has its own arguments, as in Dobby. */
function callHook(
  plugin: Plugin,
  request: HookRequest,
  startState: CollectingStartState,
  context: HookContext,
): unknown {
  const { point, id, pid = -1, rootfsPath, data } = request;
  switch (point) {
    case 'postConstruction':
      return plugin.postConstruction?.(id, startState, rootfsPath, data, context);
    case 'preStart':
    case 'postStart':
      return plugin[point]?.(id, pid, rootfsPath, data, context);
    case 'postStop':
    case 'preDestruction':
      return plugin[point]?.(id, rootfsPath, data, context);
  }
}

// Last: all that is said above is there by now.
registerHooks({
  resolve(specifier, context, next) {
    const url = offered.get(specifier);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
const start: unknown = workerData;
await load(start as ThreadStart);
