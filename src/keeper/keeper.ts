import type { Socket } from 'node:net';
import { serveConnection, type Connection } from './connection.ts';
import { copyDescriptors } from './descriptors.ts';
import { heldDescriptors } from './held-descriptors.ts';
import { logPump } from './log-pump.ts';
import { start } from './processes.ts';
import { protocolVersion } from './protocol.ts';
import type { Held, Hello, Message, Request, RunRequest, RunResult } from './protocol.ts';
import type { RunRecords } from './run-records.ts';
import { createRuns } from './runs.ts';

export interface Keeper {
  /** Serve a client. */
  accept(socket: Socket): void;
  /** Leave the logs where they are, let the programs that are run come to their end, and be over. */
  retire(): void;
  /** The same, with nobody there who has taken over what is held. */
  terminate(): void;
}

export interface KeeperOptions {
  /** How long there may be no client, no log, no process and nothing held before the keeper is over. */
  readonly idleMs: number;
  readonly records: RunRecords;
  readonly warn: (message: string) => void;
  /** There is nothing left to do. */
  readonly onOver: () => void;
}

/** How long a retiring keeper waits for the programs that it runs; then it kills them. */
const retireMs = 5000;

export function createKeeper({ idleMs, records, warn, onOver }: KeeperOptions): Keeper {
  const connections = new Set<Connection>();
  const aborts = new Set<AbortController>();
  const runs = createRuns(records);
  const held = heldDescriptors();
  const pump = logPump({ onEnded: tellLogEnded, onLoss: tellOutputLost, warn });
  let children = 0;
  let retiring = false;
  let idleTimer: NodeJS.Timeout | undefined;

  function tell(message: Message): void {
    for (const connection of connections) connection.send(message);
  }

  function tellLogEnded(key: string): void {
    tell({ event: 'logEnded', key });
    considerLeaving();
  }

  function tellOutputLost(key: string, message: string): void {
    warn(message);
    tell({ event: 'outputLost', key, message });
  }

  /** To be called whenever there may be less to do than before. */
  function considerLeaving(): void {
    clearTimeout(idleTimer);
    if (runs.count() > 0) return;
    if (retiring) setImmediate(onOver);
    else if (connections.size === 0 && children === 0 && pump.keys().length === 0 && held.list().length === 0)
      idleTimer = setTimeout(onOver, idleMs);
  }

  function childEnded(): void {
    children--;
    considerLeaving();
  }

  async function startChild(request: Parameters<typeof start>[0]): Promise<{ pid: number }> {
    const started = await start(request, held, childEnded);
    children++;
    return started;
  }

  async function runProgram(request: RunRequest, id: number, connection: Connection): Promise<RunResult> {
    const abort = new AbortController();
    aborts.add(abort);
    connection.cancels.set(id, abort);
    if (request.endsWithClient) connection.endWithIt.add(abort);
    try {
      return await runs.run(request, abort.signal);
    } finally {
      aborts.delete(abort);
      connection.cancels.delete(id);
      connection.endWithIt.delete(abort);
      considerLeaving();
    }
  }

  function retire(): void {
    if (retiring) return;
    retiring = true;
    pump.stop();
    setTimeout(() => aborts.forEach((abort) => abort.abort()), retireMs);
    considerLeaving();
  }

  function holdCopies({ key, pid, fds, started }: Held & { readonly pid: number }): void {
    held.hold({ key, fds: copyDescriptors({ pid, fds }).fds, ...(started && { started }) });
  }

  function terminate(): void {
    const keys = held.list().map(({ key }) => key);
    if (keys.length > 0 && !retiring)
      warn(`the keeper is told to end (SIGTERM), and lets go of descriptors that it holds for ${keys.join(', ')}`);
    retire();
  }

  function refuseWhileRetiring(): void {
    if (retiring) throw Object.assign(new Error('the keeper retires'), { code: 'RETIRING' });
  }

  function handle(request: Request, id: number, connection: Connection): unknown {
    if (request.op !== 'hello') refuseWhileRetiring();
    switch (request.op) {
      case 'hello':
        return { version: protocolVersion, pid: process.pid, logs: pump.keys(), held: held.list() } satisfies Hello;
      case 'start':
        return startChild(request);
      case 'run':
        return runProgram(request, id, connection);
      case 'cancel':
        return connection.cancels.get(request.request)?.abort();
      case 'attachLog':
        return pump.attach(request);
      case 'drainLog':
        return pump.drain(request.key);
      case 'hold':
        return holdCopies(request);
      case 'release':
        return held.release(request.key);
      case 'retire':
        return retire();
    }
  }

  function accept(socket: Socket): void {
    const connection = serveConnection(socket, handle);
    connections.add(connection);
    clearTimeout(idleTimer);
    socket.on('close', () => {
      connections.delete(connection);
      considerLeaving();
    });
  }

  considerLeaving();
  return { accept, retire, terminate };
}
