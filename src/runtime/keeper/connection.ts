import { connect, type Socket } from 'node:net';
import { encodeLine, lineReader, maxMessageBytes } from '../../keeper/protocol.ts';
import type { Answer, Answers, Request } from '../../keeper/protocol.ts';
import { readMessage } from './message.ts';

/** One connection to a keeper, for as long as both live. */
export interface KeeperConnection {
  /**
   * Rejects with the keeper's own code; with KEEPER_LOST when it ends first, or does not answer within `limitMs`; with NOT_SENT when the connection
   * has ended before.
   */
  ask<R extends Request>(
    request: R,
    limitMs: number,
  ): { readonly id: number; readonly answer: Promise<Answers[R['op']]> };
  /** Why it ended, in words. Never rejects. */
  readonly ended: Promise<string>;
  /** End it; requests without an answer reject. */
  end(why: Error): void;
}

interface Listeners {
  readonly onLogEnded: (key: string) => void;
  readonly onOutputLost: (key: string, message: string) => void;
  /** The keeper has not answered in time: it is stopped, or hangs. The connection is ended by then. */
  readonly onHang: (message: string) => void;
}

interface Pending {
  readonly resolve: (ok: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: { stop(): void };
}

/** Once more when a time limit is over: it may have been us who slept, with the answer waiting to be read. */
const secondLookMs = 1000;

export function keeperError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Undefined when nobody listens there. */
export async function connectTo(path: string, listeners: Listeners): Promise<KeeperConnection | undefined> {
  const socket = connect(path);
  const { promise: connected, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return (await connected) ? converse(socket, listeners) : undefined;
}

function converse(socket: Socket, { onLogEnded, onOutputLost, onHang }: Listeners): KeeperConnection {
  const pending = new Map<number, Pending>();
  const { promise: ended, resolve: tellEnded } = Promise.withResolvers<string>();
  let lastId = 0;
  let why = keeperError('KEEPER_LOST', 'the keeper has ended');

  function end(error: Error): void {
    why = error;
    socket.destroy();
  }

  function settle(answer: Answer): void {
    const waiting = answer.id === null ? undefined : pending.get(answer.id);
    if (answer.id !== null) pending.delete(answer.id);
    waiting?.timer.stop();
    if ('ok' in answer) waiting?.resolve(answer.ok);
    else waiting?.reject(keeperError(answer.error.code, answer.error.message));
  }

  function hang(op: string, limitMs: number): void {
    const message = `the keeper has not answered to ${op} within ${limitMs / 1000} s`;
    end(keeperError('KEEPER_LOST', message));
    onHang(message);
  }

  function onLine(line: string): void {
    const message = readMessage(line);
    if (!message) end(keeperError('KEEPER_LOST', 'the keeper sent a line that is no message'));
    else if (!('event' in message)) settle(message);
    else if (message.event === 'outputLost') onOutputLost(message.key, message.message);
    else onLogEnded(message.key);
  }

  const endForLength = (): void => end(keeperError('KEEPER_LOST', 'the keeper sent a line without an end'));
  socket.on('data', lineReader(onLine, endForLength, maxMessageBytes));
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', () => {
    for (const { timer, reject } of pending.values()) {
      timer.stop();
      reject(why);
    }
    pending.clear();
    tellEnded(why.message);
  });

  return {
    ask(request, limitMs) {
      const id = ++lastId;
      if (socket.destroyed) return { id, answer: Promise.reject(keeperError('NOT_SENT', why.message)) };
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      pending.set(id, { resolve, reject, timer: patientTimer(() => hang(request.op, limitMs), limitMs) });
      socket.write(encodeLine({ id, ...request }));
      return { id, answer: promise as Promise<Answers[(typeof request)['op']]> };
    },
    ended,
    end,
  };
}

function patientTimer(over: () => void, ms: number): { stop(): void } {
  let timer = setTimeout(() => (timer = setTimeout(over, secondLookMs)), Math.max(0, ms - secondLookMs));
  return { stop: () => clearTimeout(timer) };
}
