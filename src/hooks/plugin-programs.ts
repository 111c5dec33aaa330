import type { Namespace, RunOptions } from './plugin.ts';

/** A program that a plugin wants to be run, checked and as plain data. */
export interface ProgramRequest {
  readonly argv: readonly string[];
  readonly stdin: string;
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 10_000;
/** Arguments and stdin together, as JSON. The keeper takes no longer messages, and plugins have files for what is large. */
const MAX_REQUEST_BYTES = 1024 * 1024;

const nsenterFlags: Readonly<Record<Namespace, string>> = {
  mount: '--mount',
  network: '--net',
  ipc: '--ipc',
  uts: '--uts',
  pid: '--pid',
  user: '--user',
  cgroup: '--cgroup',
};

/** Check what a plugin asks for. @throws TypeError that says what is wrong with it */
export function programRequest(argv: readonly string[], options: RunOptions = {}): ProgramRequest {
  const { in: where, stdin = '', timeoutMs = TIMEOUT_MS } = options;
  if (!isCommand(argv)) throw new TypeError('argv must be a list of strings: a program, then its arguments');
  if (typeof stdin !== 'string') throw new TypeError('stdin must be a string');
  if (!isCount(timeoutMs)) throw new TypeError('timeoutMs must be a whole number of milliseconds, 1 or more');
  const request = { argv: where ? [...enter(where), ...argv] : [...argv], stdin, timeoutMs };
  if (Buffer.byteLength(JSON.stringify(request)) <= MAX_REQUEST_BYTES) return request;
  throw new TypeError(`argv and stdin together may have ${MAX_REQUEST_BYTES / 1024} KiB; put more into a file`);
}

/**
 * With `pid`, nsenter forks, as only a child is in the new namespace, and hands on the child's exit code; a kill of the process group
 * ends both. With `user`, it becomes the user namespace's root.
 */
function enter({ pid, namespaces }: NonNullable<RunOptions['in']>): string[] {
  if (!isCount(pid)) throw new TypeError('in.pid must be the pid of a process');
  const unknown = namespaces.find((name) => !Object.hasOwn(nsenterFlags, name));
  if (unknown !== undefined)
    throw new TypeError(`in.namespaces has "${unknown}"; there are ${Object.keys(nsenterFlags).join(', ')}`);
  if (namespaces.length === 0) throw new TypeError('in.namespaces names no namespace to enter');
  return ['nsenter', `--target=${pid}`, ...namespaces.map((name) => nsenterFlags[name]), '--'];
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;

const isCommand = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every((part: unknown) => typeof part === 'string' && !part.includes('\0')) &&
  value.length > 0 &&
  value[0] !== '';
