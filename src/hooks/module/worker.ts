/**
 * The plugin's side of an ES-module plugin: runs in a worker thread, loads the module and calls its hooks. What the plugin does here
 * (a blocking loop, process.exit, an unhandled rejection) ends or blocks this thread, never hob.
 */

import { flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { callPlugin } from '../call-plugin.ts';
import { createFdTable } from '../start-state/fd-table.ts';
import { describePlugin, makePlugin } from './make-plugin.ts';
import { moduleEnvironment, moduleUtilities } from './environment.ts';
import { BEGUN, type FromThread, takeFromQueue, type ThreadStart, type ToThread } from './protocol.ts';
import '../offered-names.ts';
import type { Plugin } from '../plugin.ts';
import type { HookRequest } from '../registered-plugin.ts';
import { describeLoadError } from '../thrown.ts';
import './trusted-imports.ts';

const running = new Map<number, AbortController>();
const post = (message: FromThread): void => parentPort?.postMessage(message);

async function load(start: ThreadStart): Promise<void> {
  const { utilities, settle } = moduleUtilities(start.stateDir, post);
  const loaded = Promise.withResolvers<Plugin>();
  // A factory may run programs, so hob is listened to while the plugin is made.
  parentPort?.on('message', (message: ToThread) => {
    if (message.kind === 'ran') settle(message.outcome);
    else if (message.kind === 'ping') post({ kind: 'pong', call: message.call });
    else void loaded.promise.then((plugin) => receive(plugin, message));
  });
  try {
    const { default: exported } = (await import(pathToFileURL(start.path).href)) as { default?: unknown };
    const environment = moduleEnvironment(start.stateDir, start.surroundings);
    const plugin = await makePlugin(exported, environment, utilities);
    post({ kind: 'loaded', module: describePlugin(plugin) });
    loaded.resolve(plugin);
    // Node does it only at the end of a thread, which one that is needed never comes to.
    flushCompileCache();
  } catch (error) {
    post({ kind: 'broken', reason: describeLoadError(error, start.path) });
  }
}

async function receive(plugin: Plugin, message: Exclude<ToThread, { kind: 'ran' | 'ping' }>): Promise<void> {
  if (message.kind === 'abort') return running.get(message.call)?.abort(new Error(message.reason));
  const { call, request, state, fds = createFdTable() } = message;
  if (!takeFromQueue(state, BEGUN)) return;
  post({ kind: 'begun', call });
  const controller = new AbortController();
  running.set(call, controller);
  const complaining = (why: string): void => complain(request, why);
  const ending = callPlugin(plugin, request, { signal: controller.signal, fds, complain: complaining });
  post({ kind: 'entered', call });
  const outcome = await ending;
  running.delete(call);
  post({ kind: 'ended', call, outcome });
}

/** For the author of the plugin, in hob's log. */
const complain = ({ id, point }: HookRequest, what: string): void =>
  post({ kind: 'complaint', message: `${point} of ${id}: ${what}` });

// Last: all that is said above is there by now.
const start: unknown = workerData;
await load(start as ThreadStart);
