import type { Descriptors, Held, LogRequest, Request } from './protocol.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A request that cannot be carried out as it stands. `id` is there when the message had one. */
export class InvalidRequest extends Error {
  readonly code = 'INVALID_REQUEST';
  readonly id: number | null;

  constructor(message: string, id: number | null) {
    super(message);
    this.id = id;
  }
}

/**
 * Read one line of the protocol. Every field is checked here, so that the rest of the keeper need not.
 * @throws {InvalidRequest}
 */
export function parseRequest(line: string): { readonly id: number; readonly request: Request } {
  const message = parseObject(line);
  const id = typeof message['id'] === 'number' ? message['id'] : null;
  const request = requestOf(message);
  if (id === null) throw new InvalidRequest('a request needs a number as its "id"', null);
  if (typeof request === 'string') throw new InvalidRequest(request, id);
  return { id, request };
}

function parseObject(line: string): Fields {
  try {
    const value: unknown = JSON.parse(line);
    if (isObject(value)) return value;
  } catch {
    // Said below, in the same words as for every other message that is no object.
  }
  throw new InvalidRequest(`expected a JSON object, got ${JSON.stringify(line.slice(0, 100))}`, null);
}

/** The request, or what is wrong with it. */
function requestOf(fields: Fields): Request | string {
  const { op } = fields;
  switch (op) {
    case 'hello':
      return helloRequest(fields);
    case 'start':
      return startRequest(fields);
    case 'run':
      return runRequest(fields);
    case 'cancel':
      return typeof fields['request'] === 'number' ? { op, request: fields['request'] } : wrong(op, 'request');
    case 'attachLog':
      return logRequest(fields);
    case 'hold':
      return holdRequest(fields);
    case 'drainLog':
    case 'release':
      return keyRequest(op, fields);
    case 'retire':
      return { op };
    default:
      return `unknown op ${JSON.stringify(op) ?? 'undefined'}`;
  }
}

function helloRequest({ version }: Fields): Request | string {
  return typeof version === 'number' ? { op: 'hello', version } : wrong('hello', 'version');
}

function keyRequest(op: 'drainLog' | 'release', { key }: Fields): Request | string {
  return isString(key) ? { op, key } : wrong(op, 'key');
}

function holdRequest({ key, pid, fds, started }: Fields): Request | string {
  if (!isText(key)) return wrong('hold', 'key');
  if (!isCount(pid)) return wrong('hold', 'pid');
  if (!isOptional(started, isStarted)) return wrong('hold', 'started');
  return isFds(fds) ? { op: 'hold', key, pid, fds, ...given({ started }) } : wrong('hold', 'fds');
}

function startRequest(fields: Fields): Request | string {
  const { argv, env, cwd, stdout, stderr, descriptors } = fields;
  if (!isCommand(argv)) return wrong('start', 'argv');
  if (!isOptional(env, isEnvironment)) return wrong('start', 'env');
  if (!isOptional(cwd, isText)) return wrong('start', 'cwd');
  if (!isOptional(stdout, isText)) return wrong('start', 'stdout');
  if (!isOptional(stderr, isText)) return wrong('start', 'stderr');
  if (!isOptional(descriptors, isDescriptors)) return wrong('start', 'descriptors');
  return { op: 'start', argv, ...given({ env, cwd, stdout, stderr, descriptors }) };
}

function runRequest(fields: Fields): Request | string {
  const { argv, env, cwd, stdin, timeoutMs, maxOutputBytes, endsWithClient } = fields;
  if (!isCommand(argv)) return wrong('run', 'argv');
  if (!isOptional(env, isEnvironment)) return wrong('run', 'env');
  if (!isOptional(cwd, isText)) return wrong('run', 'cwd');
  if (!isOptional(stdin, isString)) return wrong('run', 'stdin');
  if (!isCount(timeoutMs)) return wrong('run', 'timeoutMs');
  if (!isOptional(maxOutputBytes, isCount)) return wrong('run', 'maxOutputBytes');
  if (!isOptional(endsWithClient, isBoolean)) return wrong('run', 'endsWithClient');
  return { op: 'run', argv, timeoutMs, ...given({ env, cwd, stdin, maxOutputBytes, endsWithClient }) };
}

function logRequest(fields: Fields): Request | string {
  const { key, streams, path, maxSizeBytes, maxFiles } = fields;
  if (!isText(key)) return wrong('attachLog', 'key');
  if (!Array.isArray(streams) || streams.length === 0 || !streams.every(isStream)) return wrong('attachLog', 'streams');
  if (!isText(path) || !path.startsWith('/')) return wrong('attachLog', 'path');
  if (!isCount(maxSizeBytes)) return wrong('attachLog', 'maxSizeBytes');
  if (!isCount(maxFiles)) return wrong('attachLog', 'maxFiles');
  return { op: 'attachLog', key, streams, path, maxSizeBytes, maxFiles };
}

const wrong = (op: string, field: string): string => `"${field}" of ${op} is missing or of the wrong type`;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isString = (value: unknown): value is string => typeof value === 'string';
/** What the system can take as a path or an argument: a NUL would end it early. */
const isText = (value: unknown): value is string => isString(value) && value !== '' && !value.includes('\0');
const isArgument = (value: unknown): value is string => isString(value) && !value.includes('\0');
const isCommand = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isArgument) && isText(value[0]);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) > 0;
const isEnvironment = (value: unknown): value is Record<string, string> =>
  isObject(value) && Object.values(value).every(isArgument);
const isStream = (value: unknown): value is LogRequest['streams'][number] =>
  isObject(value) && isText(value['fifo']) && (value['stream'] === 'stdout' || value['stream'] === 'stderr');

const isFd = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isFds = (value: unknown): value is number[] => Array.isArray(value) && value.every(isFd);

const isStarted = (value: unknown): value is NonNullable<Held['started']> =>
  isObject(value) && isCount(value['pid']) && isFds(value['fds']);

function isDescriptors(value: unknown): value is Descriptors {
  if (!isObject(value)) return false;
  const { pid, stdin, fds, hold } = value;
  if (!isCount(pid) || !isOptional(stdin, isFd) || !isFds(fds)) return false;
  if (hold === undefined) return true;
  return isObject(hold) && isText(hold['key']) && isFds(hold['fds']) && hold['fds'].every((fd) => fds.includes(fd));
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value);
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leave out what is undefined. */
function given<T extends object>(fields: T): Given<T>;
function given(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
