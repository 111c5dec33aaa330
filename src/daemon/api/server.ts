import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { createServer } from '../../host/http.ts';
import { failure, sendFailure } from './answers.ts';
import type { ApiBackend } from './backend.ts';
import { ApiError, badRequest } from './backend.ts';
import { findRoute } from './routes.ts';
import { keepSocket } from './keep-socket.ts';
import { listenPrivately } from './socket.ts';

export interface ApiServerOptions {
  readonly socketPath: string;
  readonly backend: ApiBackend;
  readonly log: Pick<Logger, 'debug' | 'error' | 'warn'>;
  /** Told when others took the socket away, and it is there again. */
  readonly onSocketRestored?: (message: string) => void;
}

export interface ApiServer {
  /** Stop listening, end every watch, and let answers under way go out (for a second at most). */
  close(): Promise<void>;
}

const limits = { headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 5_000, maxHeaderSize: 16_384 };
/** A command line makes one or two; this many are a mistake. */
const mostConnections = 500;
const farewellMs = 1_000;

/**
 * Serve hob's API, JSON over HTTP, on a unix socket of mode 0600.
 * @throws Error when another hob answers there, or the socket cannot be made
 */
export async function serveApi({ socketPath, backend, log, onSocketRestored }: ApiServerOptions): Promise<ApiServer> {
  const ending = new AbortController();
  const server = createServer(limits, (request, response) => void answer(request, response));
  server.maxConnections = mostConnections;
  server.on('clientError', refuseJunk);
  server.on('drop', () =>
    log.warn({ socketPath }, `more than ${mostConnections} connections to the API: one was refused`),
  );

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // A reader that vanishes is seen as the close of the response.
    for (const stream of [request, response])
      stream.on('error', (error) => log.debug({ err: error }, 'API connection'));
    try {
      const { pathname, searchParams } = parseUrl(request);
      const { handler, params } = findRoute(request.method ?? '', pathname);
      await handler({ request, response, backend, params, query: searchParams, signal: ending.signal });
    } catch (error) {
      if (!(error instanceof ApiError)) log.error({ err: error, path: request.url }, 'an API request failed');
      sendFailure(response, error);
    }
  }

  await listenPrivately(server, socketPath);
  server.on('error', (error) => log.error({ err: error, socketPath }, 'the API socket'));
  const stopKeeping = keepSocket(socketPath, async () => {
    // Connections that there are go on.
    server.close();
    await listenPrivately(server, socketPath);
    onSocketRestored?.(`${socketPath} was removed or replaced from outside; hob made it again`);
  });

  return {
    async close() {
      stopKeeping();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      ending.abort();
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), farewellMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function parseUrl(request: IncomingMessage): URL {
  const url = URL.parse(request.url ?? '', 'http://hob');
  if (!url) throw badRequest('the request has no path that can be read');
  return url;
}

/** What is no HTTP is told so in HTTP, for the sake of people who look. */
function refuseJunk(error: Error, socket: Duplex): void {
  if (!socket.writable) return void socket.destroy();
  const isSlow = 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const answer = isSlow
    ? new ApiError(408, 'Timeout', 'the request took too long')
    : badRequest('this is no HTTP request');
  const body = `${JSON.stringify(failure(answer))}\n`;
  socket.end(
    `HTTP/1.1 ${answer.code} ${answer.reason}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
