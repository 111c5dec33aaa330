import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import type { LogFile, LogInput } from './log-file.ts';

/** One FIFO that is being read. */
export interface LogStreamReader {
  /** Nothing more will be read. */
  readonly ended: boolean;
  /** Read what is there now, then no more. */
  drain(): void;
  /** Read no more, and leave everything for the next keeper. */
  stop(): void;
}

/** More than a FIFO holds. A writer that goes on and on while it is drained is not waited for. */
const mostToDrainBytes = 1024 * 1024;

/** Open FIFOs for reading: all or none. Throws for one that is not there, or is none. */
export function openFifos(paths: readonly string[]): number[] {
  const fds: number[] = [];
  try {
    for (const path of paths) {
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      fds.push(fd);
      if (!fstatSync(fd).isFIFO()) throw new Error(`${path} is not a FIFO`);
    }
    return fds;
  } catch (error) {
    fds.forEach((fd) => closeSync(fd));
    throw error;
  }
}

/**
 * Carry what comes out of the FIFO to the log file, in the very tick in which it is read.
 * @param fd of the FIFO, non-blocking; closed here in the end
 * @param onEnd is called when all writers are gone, not after `drain` or `stop`
 */
export function readLogStream(fd: number, input: LogInput, file: LogFile, onEnd: () => void): LogStreamReader {
  const { buffer } = input;
  let ended = false;

  const take = (length: number): true => {
    file.write(input, length);
    return true;
  };
  // A socket waits in the event loop; a file stream would hold up a thread of the pool.
  const socket = new Socket({ fd, writable: false, onread: { buffer: buffer.data, callback: take } });

  function end(): void {
    ended = true;
    file.end(input);
    buffer.remove();
  }

  socket.on('error', () => undefined); // 'close' follows, and means the same here
  socket.on('close', () => {
    const byItself = !ended;
    if (byItself) end();
    buffer.unmap();
    if (byItself) onEnd();
  });
  socket.resume();

  return {
    get ended() {
      return ended;
    },
    drain() {
      if (ended) return;
      // Once it is destroyed, `fd` may already be the number of something else.
      if (!socket.destroyed) readWhatIsThere(fd, buffer.data, take);
      end();
      socket.destroy();
    },
    stop() {
      ended = true;
      socket.destroy();
    },
  };
}

function readWhatIsThere(fd: number, into: Buffer, take: (length: number) => void): void {
  for (let total = 0; total < mostToDrainBytes;) {
    const length = readNow(fd, into);
    if (length === 0) return;
    take(length);
    total += length;
  }
}

/** 0 when there is nothing now, or never again. */
function readNow(fd: number, into: Buffer): number {
  try {
    return readSync(fd, into);
  } catch {
    return 0;
  }
}
