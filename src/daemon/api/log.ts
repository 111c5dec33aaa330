import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { LogLine } from '../../runtime/container-logs.ts';
import type { ApiBackend } from './backend.ts';

export interface LogRequest {
  readonly namespace: string;
  readonly name: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tail?: number;
}

/** Output that the runtime has seen reaches the log file sooner than this. */
const quietMs = 300;

/**
 * Answer with the output of a container's instance as plain text. With `follow` it goes on until the reader goes, `signal`
 * fires, or the instance has ended and all of its output was sent.
 */
export async function sendLog(
  response: ServerResponse,
  signal: AbortSignal,
  backend: ApiBackend,
  request: LogRequest,
): Promise<void> {
  const { namespace, name, previous, timestamps, follow: wantsMore, ...part } = request;
  const { live, ...file } = backend.logSource(namespace, name, { previous });
  const follow = wantsMore && live;
  const quiet = follow ? quietAtEnd(backend, request, response) : undefined;
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const end = AbortSignal.any([signal, gone.signal, ...(quiet ? [quiet.signal] : [])]);
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  // Who follows wants to know at once that it works; else what goes wrong at the first line can still be told.
  if (follow) response.flushHeaders();
  try {
    // Loaded when the first log is asked for.
    const { readLog } = await import('../../runtime/container-logs.ts');
    for await (const line of readLog({ ...file, ...part, follow, signal: end })) {
      quiet?.lineCame();
      if (!response.write(asText(line, timestamps))) await once(response, 'drain', { signal: end });
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

function asText(line: LogLine, timestamps: boolean): Buffer {
  return Buffer.concat([Buffer.from(timestamps ? `${line.time} ` : ''), line.text, newline]);
}

const newline = Buffer.from('\n');

/** Fires once the instance has ended, its output has been quiet for a moment, and the reader has taken all there was. */
function quietAtEnd(backend: ApiBackend, { namespace, name }: LogRequest, response: ServerResponse) {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const wait = (): void => {
    clearTimeout(timer);
    if (isOver) timer = setTimeout(() => (response.writableNeedDrain ? wait() : controller.abort()), quietMs);
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
