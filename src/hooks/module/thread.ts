import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { readFromThread } from './messages.ts';
import type { FromThread, ThreadStart, ToThread } from './protocol.ts';
import { environmentVariables, type PluginSetting } from '../plugin-variables.ts';
import type { HookLog } from '../registered-plugin.ts';
import type { RunProcess } from '../run-process.ts';
import { threadPrograms } from './thread-programs.ts';
import { inWords } from '../thrown.ts';

/**
 * Threads that were told to end and did not: one inside of a system call (a synchronous child process, the opening of a FIFO) ends when
 * that does, and now and then V8 misses the order in a tight loop. With the path of their module.
 */
export type StuckThreads = Map<Worker, string>;

export interface ThreadOptions extends PluginSetting {
  /** Runs the programs of the plugin. */
  readonly run: RunProcess;
  readonly log: HookLog;
  readonly stuck: StuckThreads;
}

export interface ThreadEvents {
  message(message: FromThread): void;
  /** The thread is gone, or will never be heard of again. `why` is for people. Called once. */
  exit(why: string): void;
}

export interface PluginThread {
  post(message: ToThread): void;
  /** End it wherever it is, in a blocking loop too. Resolves when it is gone or given up. Only the first `why` counts. */
  end(why: string): Promise<void>;
}

/** Small, but with room for a plugin that has to think; at the limit the thread ends, not hob. Buffers are not counted. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 2 };
/** An end takes a millisecond or two. */
const END_PATIENCE_MS = 500;
/** Of one module. */
const MAX_STUCK = 3;

/** Start the thread of an ES-module plugin; it loads the module and then says so. */
export function startThread(options: ThreadOptions, events: ThreadEvents): PluginThread {
  const { path, stuck } = options;
  const stuckOnes = [...stuck.values()].filter((each) => each === path).length;
  return stuckOnes < MAX_STUCK ? openThread(options, events) : refusedThread(stuckOnes, events);
}

function openThread(options: ThreadOptions, events: ThreadEvents): PluginThread {
  const { path, stateDir, surroundings, log, stuck } = options;
  const workerData: ThreadStart = { path, stateDir, surroundings };
  const env = environmentVariables(options);
  const worker = new Worker(new URL('worker.ts', import.meta.url), {
    workerData,
    env: { NODE_COMPILE_CACHE: compileCache(stateDir), ...env },
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: basename(path),
    resourceLimits,
    stdout: true,
    stderr: true,
  });
  const programs = threadPrograms(options.run, env, (outcome) =>
    worker.postMessage({ kind: 'ran', outcome } satisfies ToThread),
  );
  let why: string | undefined;
  let isOver = false;
  function over(fallback: string): void {
    if (isOver) return;
    isOver = true;
    programs.cancelAll();
    events.exit(why ?? fallback);
  }
  function receive(said: unknown): void {
    const message = readFromThread(said);
    if (!message) log.warn({ path }, 'the plugin posts messages of its own to hob; they are passed over');
    else if (message.kind === 'run') programs.run(message.program, message.request);
    else if (message.kind === 'cancel') programs.cancel(message.program);
    else events.message(message);
  }
  async function end(because: string): Promise<void> {
    why ??= because;
    const isGone = await Promise.race([worker.terminate(), delay(END_PATIENCE_MS, 'stuck', { ref: false })]);
    if (isGone !== 'stuck' || isOver) return;
    stuck.set(worker, path);
    log.error(
      { path },
      'the thread of a plugin does not end: it is left behind, and holds memory and perhaps a processor',
    );
    over(because);
  }

  eachLine(worker.stdout, (line) => log.info({ path }, line));
  eachLine(worker.stderr, (line) => log.warn({ path }, line));
  worker.on('message', receive);
  worker.on('error', (error: unknown) => (why ??= `its thread died: ${describe(error)}`));
  worker.on('exit', (code) => {
    stuck.delete(worker);
    over(`its thread ended by itself, with exit code ${code}`);
  });
  return { post: (message) => worker.postMessage(message), end };
}

/** Stands for the thread that is not started. */
function refusedThread(stuckOnes: number, events: ThreadEvents): PluginThread {
  const why = `${stuckOnes} of its threads did not end when they had to; it gets another when one of them is gone`;
  setImmediate(() => events.exit(why));
  return { post: () => undefined, end: async () => undefined };
}

/** With the types stripped once and for all, a thread that loads TypeScript takes 10 MB and 20 ms less. */
const compileCache = (stateDir: string): string =>
  process.env['NODE_COMPILE_CACHE'] ?? join(dirname(stateDir), '.compile-cache');

function eachLine(input: Readable, listener: (line: string) => void): void {
  createInterface({ input }).on('line', listener);
}

/** It is what came over of what the plugin threw. */
const describe = (error: unknown): string =>
  inWords(() => (error instanceof Error ? `${error.name}: ${error.message}` : String(error)));
