import type { ServerResponse } from 'node:http';
import type { WatchLine } from '../../api/wire.ts';
import { ApiError } from './backend.ts';
import { failure } from './answers.ts';

/** How many changes may wait for a slow reader, beside what was there at the beginning. */
const mostWaiting = 1_000;
/** How long a reader that was too slow has to fetch the message that says so. */
const farewellMs = 5_000;

export interface WatchOptions<Item> {
  /** What is there now. */
  readonly initial: readonly Item[];
  /** Begin to be told of changes; returns how to stop. */
  readonly subscribe: (listener: (line: WatchLine<Item>) => void) => () => void;
}

/**
 * Answer with what is there and then with every change, a line of JSON each, until the reader goes, `signal` fires, or the
 * reader is so slow that changes pile up: then it is told so and cut off, and may begin anew.
 */
export function sendWatch<Item>(response: ServerResponse, signal: AbortSignal, options: WatchOptions<Item>): void {
  const waiting: WatchLine<Item>[] = [];
  const limit = options.initial.length + mostWaiting;

  const pump = (): void => {
    while (waiting.length > 0 && !response.writableNeedDrain) response.write(`${JSON.stringify(waiting.shift())}\n`);
  };
  const stop = (): void => {
    unsubscribe();
    waiting.length = 0;
    signal.removeEventListener('abort', finish);
  };
  const finish = (): void => {
    stop();
    response.end();
  };
  const cutOff = (): void => {
    stop();
    response.end(`${JSON.stringify({ type: 'ERROR', object: tooSlow() })}\n`);
    setTimeout(() => response.destroy(), farewellMs).unref();
  };
  const push = (line: WatchLine<Item>): void => {
    waiting.push(line);
    pump();
    if (waiting.length > limit) cutOff();
  };

  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.on('drain', pump);
  response.on('close', stop);
  signal.addEventListener('abort', finish);
  const unsubscribe = options.subscribe(push);
  for (const object of options.initial) waiting.push({ type: 'ADDED', object });
  push({ type: 'BOOKMARK' });
}

function tooSlow() {
  return failure(
    new ApiError(410, 'Expired', `more than ${mostWaiting} changes were waiting to be read; list again and watch anew`),
  );
}
