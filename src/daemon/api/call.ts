import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ApiBackend } from './backend.ts';
import { badRequest } from './backend.ts';

/** One request, taken apart. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly backend: ApiBackend;
  /** The parts of the path that have a name: namespace, name. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: URLSearchParams;
  /** Fires when hob ends. */
  readonly signal: AbortSignal;
}

/** Answers one kind of request; what it throws becomes the answer. */
export type Handler = (call: Call) => void | Promise<void>;

/** `?follow`, `?follow=1` and `?follow=true` are yes. */
export function flag({ query }: Call, name: string): boolean {
  const value = query.get(name);
  return value === '' || value === '1' || value === 'true';
}

/** A whole number, 0 or more; undefined when it isn't given. @throws ApiError */
export function count({ query }: Call, name: string): number | undefined {
  const value = query.get(name);
  if (value === null) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw badRequest(`${name}: ${JSON.stringify(value)} is not a whole number`);
  return Number(value);
}
