import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { linesOf } from '../../../src/sources/kubernetes/lines.ts';
import { lineName, requestName } from './api-messages.ts';
import type { MessageName } from './api-messages.ts';
import type { Cluster } from './cluster.ts';

/** kill: hob dies, kill -9. A number: the server answers that. silence: nothing comes any more. */
export type Action = 'kill' | 'cut' | 'silence' | 'slow' | 409 | 429 | 500 | 503;

/**
 * A moment in the traffic: `before PATCH finalizers`, when the server has not got it yet; `after PATCH finalizers`, when the server has done
 * it, and hob has not heard of it; `line MODIFIED`, when the server has said it in a watch, and hob has not heard of it.
 */
export interface Moment {
  readonly mark: string;
  /** Counted from 1. */
  readonly occurrence: number;
}

export interface ApiFault extends Moment {
  readonly action: Action;
}

/** Stands between one hob and the API server. */
export interface ApiProxy {
  /** Like another, with the proxy as the server. */
  kubeconfig(of: string): string;
  /** From now on, what has to do with this Container (or with none in particular) is noted, and the fault comes at its moment. */
  watch(about: string, fault?: ApiFault): void;
  /** What has passed since. */
  passed(): readonly Moment[];
  /** Whether the fault has come. */
  hasCome(): boolean;
  close(): void;
}

/** Longer than it takes hob to do the next thing, and shorter than it waits. */
const slowMs = 1_500;

/** @param kill ends hob */
export async function apiProxy(cluster: Cluster, kill: () => Promise<void>): Promise<ApiProxy> {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(cluster.address.authority) });
  let watched: { readonly about: string; readonly fault?: ApiFault | undefined } | undefined;
  let marks: Moment[] = [];
  let hasCome = false;

  /** @returns what is to happen now */
  function note(when: string, { what, about }: MessageName): Action | undefined {
    if (!watched || (about !== undefined && about !== watched.about)) return undefined;
    const mark = `${when}${what}`;
    const occurrence = marks.filter((each) => each.mark === mark).length + 1;
    marks.push({ mark, occurrence });
    const { fault } = watched;
    if (hasCome || fault?.mark !== mark || fault.occurrence !== occurrence) return undefined;
    hasCome = true;
    return fault.action;
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const body = await text(request);
    const name = requestName(method, url, body);
    if (await isStopped(note('before ', name), response, kill)) return;
    const answer = await forward(request, body, response);
    const { statusCode = 0, headers } = answer;
    if (name.what.startsWith('WATCH') && statusCode === 200) return passOnLines(answer, name, response);
    const content = await text(answer);
    if (await isStopped(note('after ', name), response, kill)) return;
    response.writeHead(statusCode, { 'content-type': headers['content-type'] ?? 'application/json' }).end(content);
  }

  async function forward(request: IncomingMessage, body: string, response: ServerResponse): Promise<IncomingMessage> {
    const { host: _, connection: __, ...headers } = request.headers;
    const options = { method: request.method, headers, agent } as const;
    const onward = httpsRequest(cluster.address.url + request.url, options).end(body);
    response.once('close', () => onward.destroy());
    const [answer] = (await once(onward, 'response')) as [IncomingMessage];
    return answer;
  }

  async function passOnLines(answer: IncomingMessage, name: MessageName, response: ServerResponse): Promise<void> {
    if (await isStopped(note('after ', name), response, kill)) return;
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    for await (const line of linesOf(answer, () => undefined)) {
      const told = lineName(line);
      if (told && (await isStopped(note('', told), response, kill))) return;
      response.write(`${line}\n`);
    }
    response.end();
  }

  const server = createServer((request, response) => {
    // A server that is gone, or a hob: the other one sees the connection break.
    serve(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  return {
    kubeconfig(of) {
      const path = join(cluster.address.dir, `proxy-${url.split(':').at(-1)}.kubeconfig`);
      // Without it, what reads kubeconfigs takes no server that speaks plain HTTP.
      const named = { name: 'test', cluster: { server: url, 'insecure-skip-tls-verify': true } };
      const config = { ...(JSON.parse(readFileSync(of, 'utf8')) as object), clusters: [named] };
      writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
      return path;
    },
    watch(about, fault) {
      watched = { about, fault };
      marks = [];
      hasCome = false;
    },
    passed: () => marks,
    hasCome: () => hasCome,
    close() {
      server.close();
      server.closeAllConnections();
      agent.destroy();
    },
  };
}

/** Whether the message goes no further. */
async function isStopped(
  action: Action | undefined,
  response: ServerResponse,
  kill: () => Promise<void>,
): Promise<boolean> {
  if (action === undefined) return false;
  if (action === 'slow') return delay(slowMs).then(() => false);
  if (action === 'kill') await kill();
  if (action === 'kill' || action === 'cut') response.destroy();
  if (typeof action === 'number') refuse(response, action);
  return true;
}

const reasons = { 409: 'Conflict', 429: 'TooManyRequests', 500: 'InternalError', 503: 'ServiceUnavailable' } as const;

/** As an API server does. */
function refuse(response: ServerResponse, code: keyof typeof reasons): void {
  const message = 'a fault that a test wanted';
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: reasons[code], code, message };
  response
    .writeHead(code, { 'content-type': 'application/json', ...(code === 429 && { 'retry-after': '1' }) })
    .end(JSON.stringify(status));
}
