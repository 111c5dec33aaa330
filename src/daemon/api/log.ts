import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LogLine } from '../../runtime/container-logs.ts';
import type { ApiBackend, LogSource } from './backend.ts';

export interface LogRequest {
  readonly namespace: string;
  readonly name: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Not the output, but the records that this plugin keeps of the container. */
  readonly plugin?: string;
  readonly tail?: number;
}

/** Output that the runtime has seen reaches the log file sooner than this. */
const quietMs = 300;

/**
 * Answer with the output of a container's instance as plain text, or with a plugin's records, a line of JSON each. With `follow` it goes on until the reader goes, `signal`
 * fires, or the instance has ended and all of its output was sent.
 */
export async function sendLog(
  response: ServerResponse,
  signal: AbortSignal,
  backend: ApiBackend,
  request: LogRequest,
): Promise<void> {
  const source = sourceOf(backend, request);
  const follow = request.follow && source.live;
  const quiet = follow ? quietAtEnd(backend, request) : undefined;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const end = AbortSignal.any([signal, gone.signal]);
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  // Who follows wants to know at once that it works; else what goes wrong at the first line can still be told.
  if (follow) response.flushHeaders();
  try {
    for await (const line of linesOf(source, request, follow, { signal: end, over: quiet?.signal })) {
      quiet?.lineCame();
      if (!response.write(line)) await once(response, 'drain', { signal: end });
    }
  } catch (error) {
    if (!end.aborted) throw error;
  } finally {
    quiet?.stop();
  }
  // An end in the middle must not look like the end of the instance.
  if (signal.aborted) response.destroy();
  else response.end();
}

function sourceOf(backend: ApiBackend, { namespace, name, plugin, previous, follow }: LogRequest): LogSource {
  if (plugin === undefined) return backend.logSource(namespace, name, { previous });
  return backend.recordSource(namespace, name, plugin, { follow });
}

interface Ends {
  /** At once. */
  readonly signal: AbortSignal;
  /** When all that is there has been read. */
  readonly over: AbortSignal | undefined;
}

/** Each with its newline. */
async function* linesOf(
  { path, maxFiles }: LogSource,
  { plugin, timestamps, tail }: LogRequest,
  follow: boolean,
  { signal, over }: Ends,
): AsyncGenerator<Buffer, void, undefined> {
  // Loaded when the first log is asked for.
  const { readLines, readLog } = await import('../../runtime/container-logs.ts');
  const file = { path, maxFiles, follow, signal, ...(over && { over }), ...(tail === undefined ? {} : { tail }) };
  if (plugin === undefined) for await (const line of readLog(file)) yield asText(line, timestamps);
  else for await (const line of readLines(file)) yield Buffer.concat([line, newline]);
}

function asText(line: LogLine, timestamps: boolean): Buffer {
  return Buffer.concat([Buffer.from(timestamps ? `${line.time} ` : ''), line.text, newline]);
}

const newline = Buffer.from('\n');

/** Fires once the instance has ended, and its output has been quiet for a moment: nothing more will come into the file. */
function quietAtEnd(backend: ApiBackend, { namespace, name }: LogRequest) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const wait = (): void => {
    clearTimeout(timer);
    if (isOver) timer = setTimeout(() => controller.abort(), quietMs);
  };
  const instanceID = backend.get(namespace, name)?.status?.instanceID;
  const unsubscribe = backend.watch(({ type, object: { metadata, status } }) => {
    if (metadata.namespace !== namespace || metadata.name !== name || isOver) return;
    isOver = type === 'DELETED' || status?.instanceID !== instanceID || status?.finishedAt !== undefined;
    wait();
  });
  const stop = (): void => {
    clearTimeout(timer);
    unsubscribe();
  };
  return { signal: controller.signal, lineCame: wait, stop };
}
