import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { codeOf, wordsOf } from '../../host/errors.ts';
import { apiError, isUnauthorized, Unreachable, type ApiError } from './api-error.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { KeptCredentials } from './credentials/keep.ts';
import { linesOf } from './lines.ts';

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
  close(): void;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface WatchOptions {
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  /** The server has begun to answer. */
  readonly onOpen: () => void;
}

const patienceMs = 10_000;

/** As `host/http.ts`: without the fetch and WebSocket that an import would load. */
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');
const { Agent: HttpsAgent, request: httpsRequest } = process.getBuiltinModule('node:https');

/** @throws (each call) ApiError for what the server answers, Error in words when it cannot be reached */
export function apiClient(credentials: KeptCredentials): ApiClient {
  let line: { readonly to: Credentials; readonly agent: InstanceType<typeof HttpAgent> } | undefined;

  /** Connections are kept as long as the credentials are the same. */
  function agentFor(to: Credentials): InstanceType<typeof HttpAgent> {
    if (line?.to !== to) {
      line?.agent.destroy();
      line = { to, agent: makeAgent(to) };
    }
    return line.agent;
  }

  async function open(
    method: string,
    target: string,
    body: object | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const to = await credentials.get();
    try {
      return await answered(send(to, agentFor(to), { method, target, body, signal }));
    } catch (error) {
      credentials.failed(to, false);
      throw new Unreachable(`${to.server} cannot be reached: ${causeOf(error, signal)}`, { cause: error });
    }
  }

  async function ask<T>(method: string, target: string, body?: object): Promise<T> {
    const answer = await open(method, target, body, AbortSignal.timeout(patienceMs));
    const { statusCode = 0 } = answer;
    if (statusCode < 200 || statusCode >= 300) throw await refusal(answer);
    return JSON.parse(await textOf(answer)) as T;
  }

  async function refusal(answer: IncomingMessage): Promise<ApiError> {
    const error = apiError(answer.statusCode ?? 0, await textOf(answer));
    if (isUnauthorized(error)) credentials.failed(await credentials.get(), true);
    return error;
  }

  async function watch(
    path: string,
    query: Query,
    onLine: (line: string) => void,
    options: WatchOptions,
  ): Promise<void> {
    const { signal, silenceMs, onOpen } = options;
    const silence = silenceWatch();
    silence.expect(patienceMs);
    try {
      const either = AbortSignal.any([signal, silence.signal]);
      const answer = await open('GET', withQuery(path, { ...query, watch: true }), undefined, either);
      if (answer.statusCode !== 200) throw await refusal(answer);
      onOpen();
      silence.expect(silenceMs);
      for await (const text of linesOf(answer, () => silence.expect(silenceMs))) onLine(text);
    } catch (error) {
      throw silence.signal.aborted ? silence.signal.reason : broken(error);
    } finally {
      silence.end();
    }
  }

  return {
    get: (path, query = {}) => ask('GET', withQuery(path, query)),
    create: (path, object) => ask('POST', path, object),
    patch: (path, patch) => ask('PATCH', path, patch),
    watch,
    close: () => line?.agent.destroy(),
  };
}

function makeAgent({
  server,
  ca,
  cert,
  key,
  servername,
  insecure,
  proxyUrl,
}: Credentials): InstanceType<typeof HttpAgent> {
  if (proxyUrl?.startsWith('socks'))
    throw new Error('its proxy-url is a SOCKS proxy, which hob cannot use; HTTP proxies it can');
  const common = {
    keepAlive: true,
    ...(proxyUrl && { proxyEnv: { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl } }),
  };
  if (server.startsWith('http:')) return new HttpAgent(common);
  return new HttpsAgent({
    ...common,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(servername && { servername }),
    ...(insecure && { rejectUnauthorized: false }),
  });
}

interface Message {
  readonly method: string;
  readonly target: string;
  readonly body: object | undefined;
  readonly signal: AbortSignal;
}

function send(
  to: Credentials,
  agent: InstanceType<typeof HttpAgent>,
  { method, target, body, signal }: Message,
): ClientRequest {
  const text = body && JSON.stringify(body);
  const options: RequestOptions = {
    method,
    agent,
    signal,
    headers: {
      Accept: 'application/json',
      'User-Agent': 'hob',
      ...to.headers,
      ...(text !== undefined && {
        'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        'Content-Length': Buffer.byteLength(text),
      }),
    },
  };
  const request = to.server.startsWith('http:') ? httpRequest : httpsRequest;
  return request(to.server + target, options).end(text);
}

/** A connection that breaks in the middle of an answer is the same as none. */
const broken = (error: unknown): unknown =>
  codeOf(error) === 'ECONNRESET' ? new Unreachable('the connection to the API server broke', { cause: error }) : error;

/** Fires when nothing has come for as long as was last said. */
function silenceWatch(): { readonly signal: AbortSignal; expect(withinMs: number): void; end(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: controller.signal,
    expect: (withinMs) => {
      clearTimeout(timer);
      const reason = new Unreachable(`the API server has said nothing for ${withinMs / 1000} s`);
      timer = setTimeout(() => controller.abort(reason), withinMs);
    },
    end: () => clearTimeout(timer),
  };
}

const answered = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  answer.setEncoding('utf8');
  for await (const chunk of answer) text += String(chunk);
  return text;
}

function withQuery(path: string, query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}

function causeOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted)
    return signal.reason instanceof DOMException ? `no answer within ${patienceMs / 1000} s` : wordsOf(signal.reason);
  return wordsOf(error) || 'the connection broke';
}
