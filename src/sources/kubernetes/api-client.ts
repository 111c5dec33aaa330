import type { IncomingMessage } from 'node:http';
import { codeOf, wordsOf } from '../../host/errors.ts';
import { apiError, isUnauthorized, Unreachable, type ApiError } from './api-error.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { KeptCredentials } from './credentials/keep.ts';
import { linesOf } from './lines.ts';
import { patience, type Patience } from './patience.ts';
import { connectionsTo, send, type Connections, type Message } from './transport.ts';

/** One request, by the words of HTTP. Paths begin at the root of the API: `/apis/hob.dev/v1alpha1/containers`. */
export interface ApiClient {
  get<T>(path: string, query?: Query): Promise<T>;
  create<T>(path: string, object: object): Promise<T>;
  /** A JSON merge patch (RFC 7396), which every resource takes on every server. */
  patch<T>(path: string, patch: object): Promise<T>;
  /**
   * Follow a watch, line by line, until the server ends it.
   * @param silenceMs how long it may say nothing; then it is taken for dead, and this rejects
   */
  watch(path: string, query: Query, onLine: (line: string) => void, options: WatchOptions): Promise<void>;
  /** Ends all that is under way. */
  close(): void;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  /** The server has begun to answer. */
  readonly onOpen: () => void;
}

/** An answer that has begun, and what was asked with. */
interface Answer {
  readonly to: Credentials;
  readonly message: IncomingMessage;
}

const patienceMs = 10_000;

/** @throws (each call) ApiError for what the server answers, Unreachable when it does not, Error in words for credentials */
export function apiClient(credentials: KeptCredentials): ApiClient {
  const closing = new AbortController();
  let line: { readonly to: Credentials; readonly connections: Connections } | undefined;

  /** Connections are kept as long as the credentials are the same. */
  function connections(to: Credentials): Connections {
    if (line?.to !== to) {
      line?.connections.destroy();
      line = { to, connections: connectionsTo(to) };
    }
    return line.connections;
  }

  /** What has to be waited for before, a login say, has a time limit of its own. */
  async function exchange<T>(
    message: Message,
    take: (answer: Answer, waiting: Patience) => Promise<T>,
    until: AbortSignal = closing.signal,
  ): Promise<T> {
    const to = await unless(closing.signal, credentials.get());
    const waiting = patience(patienceMs);
    const signal = AbortSignal.any([closing.signal, until, waiting.signal]);
    try {
      return await take({ to, message: await send(to, connections(to), message, signal) }, waiting);
    } catch (error) {
      if (until.aborted || closing.signal.aborted || !isBroken(error)) throw error;
      credentials.failed(to, false);
      throw waiting.signal.aborted ? waiting.signal.reason : unreachable(to, error);
    } finally {
      waiting.end();
    }
  }

  const ask = <T>(message: Message): Promise<T> =>
    exchange(message, async ({ to, message: answer }, waiting) => {
      const text = await textOf(answer, () => waiting.expect(patienceMs));
      const { statusCode = 0 } = answer;
      if (statusCode < 200 || statusCode >= 300) throw refusal(to, statusCode, text);
      return JSON.parse(text) as T;
    });

  const watch = (path: string, query: Query, onLine: (line: string) => void, options: WatchOptions): Promise<void> =>
    exchange(
      { method: 'GET', target: withQuery(path, { ...query, watch: true }) },
      async ({ to, message: answer }, waiting) => {
        const { silenceMs, onOpen } = options;
        if (answer.statusCode !== 200) throw refusal(to, answer.statusCode ?? 0, await textOf(answer, () => undefined));
        onOpen();
        waiting.expect(silenceMs);
        for await (const text of linesOf(answer, () => waiting.expect(silenceMs))) onLine(text);
      },
      options.signal,
    );

  function refusal(to: Credentials, statusCode: number, text: string): ApiError {
    const error = apiError(statusCode, text);
    if (isUnauthorized(error)) credentials.failed(to, true);
    return error;
  }

  return {
    get: (path, query = {}) => ask({ method: 'GET', target: withQuery(path, query) }),
    create: (path, body) => ask({ method: 'POST', target: path, body }),
    patch: (path, body) => ask({ method: 'PATCH', target: path, body }),
    watch,
    close: () => {
      closing.abort(new Unreachable('hob is ending'));
      line?.connections.destroy();
    },
  };
}

/** The promise, or what the signal was aborted with if that comes first. */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason as Error);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
}

/** Of the system, of TLS, or an abort: they have a code. What the server answers has not, nor what hob finds wrong with it. */
const isBroken = (error: unknown): boolean =>
  codeOf(error) !== '' || (error instanceof Error && error.name === 'AbortError');

/** The host alone: an address may have a password in it. */
const unreachable = ({ server }: Credentials, error: unknown): Unreachable =>
  new Unreachable(`${new URL(server).origin} cannot be reached: ${wordsOf(error) || codeOf(error)}`, { cause: error });

async function textOf(answer: IncomingMessage, onBytes: () => void): Promise<string> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer) {
    onBytes();
    text += String(chunk);
  }
  return text;
}

function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}
