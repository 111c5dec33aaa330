import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import type { FromThread, ThreadStart, ToThread } from './module-protocol.ts';
import { pluginEnvironment } from './plugin-environment.ts';
import type { HookLog } from './registered-plugin.ts';

export interface ThreadOptions extends ThreadStart {
  readonly log: HookLog;
}

export interface ThreadEvents {
  message(message: FromThread): void;
  /** The thread is gone. `why` is for people. */
  exit(why: string): void;
}

export interface PluginThread {
  post(message: ToThread): void;
  /** End it wherever it is, in a blocking loop too. Resolves when it is gone. Only the first `why` counts. */
  end(why: string): Promise<void>;
}

/** Small, but with room for a plugin that has to think; at the limit the thread ends, not hob. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };

/** Start the thread of an ES-module plugin; it loads the module and then says so. */
export function startThread({ path, stateDir, log }: ThreadOptions, events: ThreadEvents): PluginThread {
  const workerData: ThreadStart = { path, stateDir };
  const worker = new Worker(new URL('module-worker.ts', import.meta.url), {
    workerData,
    env: { ...pluginEnvironment(path), NODE_COMPILE_CACHE: compileCache(stateDir) },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: basename(path),
    resourceLimits,
    stdout: true,
    stderr: true,
  });
  let why: string | undefined;
  eachLine(worker.stdout, (line) => log.info({ path }, line));
  eachLine(worker.stderr, (line) => log.warn({ path }, line));
  worker.on('message', (message: FromThread) => events.message(message));
  worker.on('error', (error: unknown) => (why ??= `its thread died: ${describe(error)}`));
  worker.on('exit', (code) => events.exit(why ?? `its thread ended by itself, with exit code ${code}`));
  return {
    post: (message) => worker.postMessage(message),
    async end(because) {
      why ??= because;
      await worker.terminate();
    },
  };
}

/** With the types stripped once and for all, a thread that loads TypeScript takes 10 MB and 20 ms less. */
const compileCache = (stateDir: string): string =>
  process.env['NODE_COMPILE_CACHE'] ?? join(stateDir, '.compile-cache');

function eachLine(input: Readable, listener: (line: string) => void): void {
  createInterface({ input }).on('line', listener);
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
