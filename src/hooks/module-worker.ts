/**
 * The plugin's side of an ES-module plugin: runs in a worker thread, loads the module and calls its hooks. What the plugin does here
 * (a blocking loop, process.exit, an unhandled rejection) ends or blocks this thread, never hob.
 */

import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { callPlugin } from './call-plugin.ts';
import { createFdTable } from './fd-table.ts';
import { BEGUN, type FromThread, takeFromQueue, type ThreadStart, type ToThread } from './module-protocol.ts';
import { hookPoints, type Plugin } from './plugin.ts';
import type { HookRequest } from './registered-plugin.ts';
import { describeLoadError } from './thrown.ts';

/** What a plugin anywhere on the host can import from hob, by these names. */
const offered = new Map(
  ['plugin', 'hint-flags', 'data'].map((name) => [`hob/${name}`, new URL(`${name}.ts`, import.meta.url).href]),
);

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
  const complaining = (why: string): void => complain(request, why);
  const outcome = await callPlugin(plugin, request, { signal: controller.signal, fds, complain: complaining });
  running.delete(call);
  post({ kind: 'ended', call, outcome });
}

/** For the author of the plugin, in hob's log. */
const complain = ({ id, point }: HookRequest, what: string): void =>
  post({ kind: 'complaint', message: `${point} of ${id}: ${what}` });

// Last: all that is said above is there by now.
registerHooks({
  resolve(specifier, context, next) {
    const url = offered.get(specifier);
    return url === undefined ? next(specifier, context) : { url, shortCircuit: true };
  },
});
const start: unknown = workerData;
await load(start as ThreadStart);
