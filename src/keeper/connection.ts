import type { Socket } from 'node:net';
import {
  encodeLine,
  lineReader,
  maxMessageBytes,
  maxRequestBytes,
  type Message,
  type Request,
  type RequestFailure,
} from './protocol.ts';
import { InvalidRequest, parseRequest } from './requests.ts';

/** One connected client. */
export interface Connection {
  send(message: Message): void;
  /** How to end the runs it has asked for, by request id. */
  readonly cancels: Map<number, AbortController>;
  /** Those of them that are to end when it goes. */
  readonly endWithIt: Set<AbortController>;
}

/** Does what is asked, and returns what to answer. A throw or rejection is answered as a failure. */
export type Handle = (request: Request, id: number, connection: Connection) => unknown;

/** A client that takes no answers for so long does not want them. */
const mostUnreadBytes = 2 * maxMessageBytes;

/** Answer every line that comes, whatever it is, until the client goes. What it has asked for goes on without it, but for runs that are to end with it. */
export function serveConnection(socket: Socket, handle: Handle): Connection {
  const connection: Connection = {
    send(message) {
      if (!socket.writable) return;
      socket.write(Buffer.from(encodeLine(message))); // waits outside of the heap, if it has to
      if (socket.writableLength > mostUnreadBytes) socket.destroy();
    },
    cancels: new Map(),
    endWithIt: new Set(),
  };

  async function answer(line: string): Promise<void> {
    let id: number | null = null;
    try {
      const parsed = parseRequest(line);
      id = parsed.id;
      const ok = await handle(parsed.request, parsed.id, connection);
      connection.send({ id, ok: ok ?? null });
    } catch (error) {
      connection.send({ id: error instanceof InvalidRequest ? error.id : id, error: failure(error) });
    }
  }

  function refuseLongLine(): void {
    const message = `a line of more than ${maxRequestBytes} bytes is not read`;
    connection.send({ id: null, error: { code: 'INVALID_REQUEST', message } });
    socket.destroySoon();
  }

  const read = lineReader((line) => void answer(line), refuseLongLine, maxRequestBytes);
  socket.on('data', read);
  socket.on('error', () => undefined); // 'close' follows
  socket.on('close', () => connection.endWithIt.forEach((abort) => abort.abort()));
  return connection;
}

function failure(error: unknown): RequestFailure {
  if (!(error instanceof Error)) return { code: 'FAILED', message: String(error) };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'FAILED';
  return { code, message: error.message };
}
