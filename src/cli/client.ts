import type { IncomingMessage } from 'node:http';
import { dirname, join } from 'node:path';
import type { StatusObject } from '../api/wire.ts';
import { apiRoot } from '../api/wire.ts';
import { codeOf } from '../host/errors.ts';
import { request } from '../host/http.ts';
import { CliError } from './cli-error.ts';
import { remark } from './output.ts';

/** The running hob, behind its socket. Paths are relative to the root of its API. */
export interface Client {
  /** One JSON answer. @throws ServerError, NotRunning */
  json<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: string | Buffer): Promise<Answer>;
  /** An answer that goes on, as it comes. */
  stream(method: 'GET' | 'POST', path: string): Promise<IncomingMessage>;
}

/** hob answered that it can't or won't. */
export class ServerError extends CliError {
  readonly status: StatusObject;

  constructor(status: StatusObject) {
    super(`Error from server (${status.reason ?? status.code}): ${status.message}`, '');
    this.status = status;
  }
}

/** Nobody answers at the socket. */
export class NotRunning extends CliError {}

/** @param socketPath where hob listens; nothing is sent before the first question */
export function connectTo(socketPath: string): Client {
  async function ask(method: string, path: string, body?: string | Buffer): Promise<IncomingMessage> {
    const response = await send(socketPath, method, `${apiRoot}${path}`, body);
    if (response.statusCode !== undefined && response.statusCode < 300) return response;
    throw new ServerError(parseStatus(await textOf(response), response.statusCode));
  }
  return {
    stream: (method, path) => ask(method, path),
    json: async (method, path, body) => parseJson(await textOf(await ask(method, path, body))),
  };
}

/** What hob says is taken as what it is declared to be: both ends are of one version, and the socket is hob's own. */
export function parseJson<Value>(text: string): Value {
  return JSON.parse(text) as Value;
}

/** All answers begin at once, those that go on for long, too. */
const remarkAfterMs = 5_000;

function send(socketPath: string, method: string, path: string, body: string | Buffer = ''): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const headers = { 'Content-Type': 'application/octet-stream', 'Content-Length': Buffer.byteLength(body) };
  const call = request({ socketPath, method, path, headers, agent: false }, resolve);
  call.on('error', (error) => reject(explain(error, socketPath)));
  call.end(body);
  const late = setTimeout(() => remark(unanswered(socketPath)), remarkAfterMs);
  return promise.finally(() => clearTimeout(late));
}

/** Somebody listens, as the kernel took the call: a process that is stopped does, too. */
const unanswered = (socketPath: string): string =>
  `hob has not answered at ${socketPath} for ${remarkAfterMs / 1000} s; waiting on. It is busy, or stopped (SIGSTOP): its pid is in ` +
  join(dirname(socketPath), 'hob.lock');

function explain(error: Error, socketPath: string): Error {
  const code = codeOf(error);
  const start = 'Start it with `hob run`, or name its --run-dir (or HOB_RUN_DIR).';
  if (code === 'ENOENT') return new NotRunning(`hob is not running (no socket at ${socketPath}). ${start}`);
  if (code === 'ECONNREFUSED') return new NotRunning(`hob is not running (nobody answers at ${socketPath}). ${start}`);
  if (code === 'EACCES')
    return new CliError(`${socketPath} belongs to somebody else: ask as the user hob runs as (sudo)`);
  return new CliError(`hob does not answer at ${socketPath}: ${error.message}`);
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)));
  } catch (error) {
    throw new CliError(`hob went away in the middle of its answer`, undefined, { cause: error });
  }
  return Buffer.concat(chunks).toString();
}

function parseStatus(text: string, code = 0): StatusObject {
  try {
    return parseJson<StatusObject>(text);
  } catch {
    return { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message: text.trim() || `HTTP status ${code}` };
  }
}
