import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import {
  type Held,
  type Hello,
  keeperFiles,
  type LogRequest,
  type RunRequest,
  type RunResult,
  type StartRequest,
} from '../keeper/protocol.ts';
import { ask, askToRun } from './keeper/ask.ts';
import type { KeeperConnection } from './keeper/connection.ts';
import { openLink } from './keeper/link.ts';
import { keptLogs } from './keeper/kept-logs.ts';

export type { Descriptors, LogRequest, StartRequest } from '../keeper/protocol.ts';

const startLimitMs = 10_000;
const attachLimitMs = 10_000;
/** The number that the first of a start's descriptors gets. */
const FIRST_GIVEN = 3;
/** What the system takes for a socket, its final NUL left out. */
const longestSocketPath = 107;

/** Where the client reports what people should know; a pino logger fits. */
export interface KeeperLog {
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

export interface KeeperOptions {
  /** Holds the keeper's socket, pid file and own log. Made when it is not there. */
  readonly runDir: string;
  readonly log: KeeperLog;
  /** Arguments for Node itself when a keeper is started. */
  readonly nodeArgs?: readonly string[];
}

/**
 * The keeper, as hob sees it: replaced by itself when it dies, with all logs attached again.
 *
 * Every promise may reject with an Error whose `code` says what happened: the system's own (ENOENT, EMFILE, ...), INVALID_REQUEST,
 * CLOSED after `close`; BUSY for a `run` whose turn did not come in time. For `start` and `run`: NO_KEEPER when there has been none for long, and
 * KEEPER_LOST when the keeper died before it answered: whether the process was started is then not known.
 */
export interface Keeper {
  /** Resolves as soon as the program executes. Descriptors that it is to get have to stay open until then. */
  start(request: StartRequest): Promise<{ readonly pid: number }>;
  /**
   * Resolves when the program has ended, whatever its exit code. When `signal` fires: kills its process group, rejects with the signal's reason.
   * @param options.repeatable running it twice does no harm: when the keeper is lost over it, the next one runs it
   */
  run(request: RunRequest, signal?: AbortSignal, options?: { readonly repeatable?: boolean }): Promise<RunResult>;
  /** Idempotent by key. Lasts until `drainLog` or the end of all writers, over deaths of the keeper too. */
  attachLog(request: LogRequest): Promise<void>;
  /** Carry over what is in the FIFOs now, then let go of them. Resolves when it is in the log file. Unknown keys are fine. */
  drainLog(key: string): Promise<void>;
  /** Have the keeper close what it holds under the key since a `start`. Asks nothing where nothing can be held; idempotent. */
  release(key: string): Promise<void>;
  /**
   * Called with the key when all writers of all streams of a log are gone and all output is in the file; the log is no longer attached then.
   * Not to be relied upon: it does not come when the last writer went while there was no keeper. Returns how to stop listening.
   */
  onLogEnded(listener: (key: string) => void): () => void;
  /** Called with the key, and with words for people, when output of a log is being lost. Returns how to stop listening. */
  onOutputLost(listener: (key: string, message: string) => void): () => void;
  /** Of the keeper that is connected, or was last. */
  readonly pid: number;
  /** Let go of the keeper and leave it running. */
  close(): Promise<void>;
  /** End the keeper, and the connection. Started processes go on, output waits in the FIFOs. */
  retire(): Promise<void>;
}

/** Connect to the keeper of this run directory, starting one when there is none. Rejects when none can be started, quoting its log. */
export async function connectKeeper({ runDir, log, nodeArgs = [] }: KeeperOptions): Promise<Keeper> {
  const listeners = new Set<(key: string) => void>();
  const lossListeners = new Set<(key: string, message: string) => void>();
  const logs = keptLogs();
  /** What keepers hold, by key, and who else has it. */
  const held = new Map<string, Held['started']>();
  const link = await openLink({
    runDir: prepareRunDir(runDir),
    nodeArgs,
    log,
    onLogEnded(key) {
      logs.forget(key);
      for (const listener of listeners) listener(key);
    },
    onOutputLost(key, message) {
      for (const listener of lossListeners) listener(key, message);
    },
    async onNewKeeper(connection, hello) {
      await attachAgain(connection, logs.requests(), log);
      await holdAgain(connection, hello, held, log);
    },
  });

  for (const { key, started } of (await link.session()).hello.held ?? []) held.set(key, started);

  return {
    async start(request) {
      const { hold, fds = [] } = request.descriptors ?? {};
      if (hold) held.set(hold.key, undefined);
      const { pid } = await ask(link, { op: 'start', ...request }, { limitMs: startLimitMs });
      if (hold) held.set(hold.key, { pid, fds: hold.fds.map((fd) => FIRST_GIVEN + fds.indexOf(fd)) });
      return { pid };
    },
    run: (request, signal, { repeatable = false } = {}) => askToRun(link, request, signal, repeatable),
    async attachLog(request) {
      logs.keep(request);
      await ask(link, { op: 'attachLog', ...request }, { repeatable: true }).catch((error: unknown) => {
        logs.forget(request.key);
        throw error;
      });
    },
    async drainLog(key) {
      await ask(link, { op: 'drainLog', key }, { repeatable: true });
      logs.forget(key);
    },
    async release(key) {
      if (!held.has(key)) return;
      await ask(link, { op: 'release', key }, { repeatable: true });
      held.delete(key);
    },
    onLogEnded(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    onOutputLost(listener) {
      lossListeners.add(listener);
      return () => void lossListeners.delete(listener);
    },
    get pid() {
      return link.pid();
    },
    async close() {
      await link.cut();
      logs.forgetAll();
    },
    async retire() {
      await link.retire();
      logs.forgetAll();
    },
  };
}

/** A keeper that was killed took its copies along; the process that was started with the same has them as long as it lives. */
async function holdAgain(
  connection: KeeperConnection,
  hello: Hello,
  held: ReadonlyMap<string, Held['started']>,
  log: KeeperLog,
): Promise<void> {
  const isThere = new Set(hello.held?.map(({ key }) => key));
  for (const [key, started] of held) {
    if (!started || isThere.has(key)) continue;
    try {
      await connection.ask({ op: 'hold', key, ...started, started }, attachLimitMs).answer;
    } catch (error) {
      log.warn(`what the keeper held for ${key} is lost with it: ${wordsOf(error)}`);
    }
  }
}

async function attachAgain(
  connection: KeeperConnection,
  requests: readonly LogRequest[],
  log: KeeperLog,
): Promise<void> {
  const attach = async (request: LogRequest): Promise<void> => {
    try {
      await connection.ask({ op: 'attachLog', ...request }, attachLimitMs).answer;
    } catch (error) {
      log.error(`the output of ${request.key} does not reach its log: ${wordsOf(error)}`);
    }
  };
  await Promise.all(requests.map(attach));
}

/** In the form that the keeper will have it in its command line. */
function prepareRunDir(runDir: string): string {
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const path = realpathSync(runDir);
  const socketBytes = Buffer.byteLength(join(path, keeperFiles.socket));
  if (socketBytes <= longestSocketPath) return path;
  throw new Error(
    `the run directory ${path} has too long a path for a socket in it (${socketBytes} bytes, at most ${longestSocketPath}): choose a shorter one`,
  );
}
