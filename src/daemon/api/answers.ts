import type { IncomingMessage, ServerResponse } from 'node:http';
import type { StatusObject } from '../../api/wire.ts';
import { wordsOf } from '../../host/errors.ts';
import { ApiError } from './backend.ts';

/** Far more than any spec file holds. */
const longestBody = 2 * 1024 * 1024;

/** Answer with one JSON value. */
export function sendJson(response: ServerResponse, value: object, code = 200): void {
  const body = Buffer.from(`${JSON.stringify(value)}\n`);
  response.writeHead(code, { 'Content-Type': 'application/json', 'Content-Length': body.length });
  response.end(body);
}

/** Answer with what went wrong; when part of an answer is out already, cut it off instead, so that nobody takes it for whole. */
export function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const status = failure(error);
  // Whatever is left of the request is not wanted: it may be without end.
  if (!response.req.complete) response.setHeader('Connection', 'close');
  sendJson(response, status, status.code);
}

/** A Kubernetes-style Status for an error. */
export function failure(error: unknown): StatusObject {
  const base = { kind: 'Status', apiVersion: 'v1', status: 'Failure' } as const;
  if (error instanceof ApiError) return { ...base, reason: error.reason, message: error.message, code: error.code };
  return { ...base, reason: 'InternalError', message: `hob: internal error: ${wordsOf(error)}`, code: 500 };
}

/** The body as text. @throws ApiError when it is too large or no UTF-8 */
export async function readBody(request: IncomingMessage): Promise<string> {
  if (Number(request.headers['content-length'] ?? 0) > longestBody) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // The connection is still needed, for the answer, when this gives up in the middle.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > longestBody) throw tooLarge();
    chunks.push(bytes);
  }
  return decode(Buffer.concat(chunks));
}

function tooLarge(): ApiError {
  return new ApiError(413, 'RequestEntityTooLarge', `the request is larger than ${longestBody / 1024 / 1024} MiB`);
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError(400, 'BadRequest', 'the request is not text in UTF-8');
  }
}
