import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Credentials } from './credentials/credentials.ts';

/** As `host/http.ts`: without the fetch and WebSocket that an import would load. */
const { Agent: HttpAgent, request: httpRequest } = process.getBuiltinModule('node:http');
const { Agent: HttpsAgent, request: httpsRequest } = process.getBuiltinModule('node:https');

/** Connections that are kept for further requests. */
export type Connections = InstanceType<typeof HttpAgent>;

export interface Message {
  readonly method: 'GET' | 'POST' | 'PATCH';
  /** Path and query. */
  readonly target: string;
  readonly body?: object;
}

/** @throws Error in words for what cannot be done here */
export function connectionsTo({ server, ca, cert, key, servername, insecure, proxyUrl }: Credentials): Connections {
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

/** Resolves when the answer begins. */
export function send(
  to: Credentials,
  agent: Connections,
  { method, target, body }: Message,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const text = body && JSON.stringify(body);
  const options: RequestOptions = {
    method,
    agent,
    signal,
    headers: { Accept: 'application/json', 'User-Agent': 'hob', ...to.headers, ...headersFor(method, text) },
  };
  const request = to.server.startsWith('http:') ? httpRequest : httpsRequest;
  return answered(request(to.server + target, options).end(text));
}

const headersFor = (method: Message['method'], text: string | undefined): Record<string, string | number> =>
  text === undefined
    ? {}
    : {
        'Content-Type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json',
        'Content-Length': Buffer.byteLength(text),
      };

const answered = (request: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', reject);
  });
