import { constants, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { mkfifo, tee } from './libc.ts';

/** Takes what is in a pipe. */
export interface PipeReader {
  /** Take all that is in it at this moment. Does nothing after its end. */
  drain(): void;
  /** Read no more, and let go of the descriptor. */
  close(): void;
}

/** Reads pipes, one behind the other: they share the room that it needs. */
export interface PipeReaders {
  /**
   * Read a pipe until it has no writer any more, or `close` is called.
   * @param fd of its reading end, from `openReader`; it is the reader's from now on
   * @param take is given what came, and has kept it when it returns. It does not hold on to the memory, and does not throw
   */
  read(fd: number, take: (bytes: Buffer) => void): PipeReader;
}

/** What the second pipe holds unless it is made larger. */
const ROOM = 64 * 1024;
/** More than a pipe holds: one that is filled again meanwhile is not emptied for ever. */
const MOST_ROUNDS = 8;

/**
 * Bytes are taken out of a pipe only after `take` has them safe, so that a kill in the middle loses nothing: they are copied into a pipe
 * of our own first (tee), read from there, given away, and only then read from where they were. Node tells of news in a pipe
 * only by reading: so it is made to read a single byte, which is the mark that a record begins with. What was there before is taken
 * without that, so that no second kill finds the record without a second byte.
 * @param directory where the second pipe is made; its name is gone at once
 */
export function createPipeReaders(directory: string): PipeReaders {
  const copy = openUnnamedPipe(directory);
  const buffer = Buffer.allocUnsafe(ROOM);

  /** Take once from the pipe; false when it was empty. */
  function takeOnce(fd: number, take: (bytes: Buffer) => void): boolean {
    const copied = tee(fd, copy, ROOM);
    if (copied === 0) return false;
    const length = readSync(copy, buffer, 0, copied, null);
    take(buffer.subarray(0, length));
    readSync(fd, buffer, 0, length, null);
    return true;
  }

  function read(fd: number, take: (bytes: Buffer) => void): PipeReader {
    let isOpen = true;
    const close = (): void => {
      isOpen = false;
      socket.destroy();
    };
    const firstByte = Buffer.alloc(1);
    const news = (): boolean => {
      take(firstByte);
      takeOnce(fd, take);
      // Not at once: other pipes have their turn.
      setImmediate(() => isOpen && socket.resume());
      return false;
    };
    const socket = new Socket({ fd, readable: true, writable: false, onread: { buffer: firstByte, callback: news } });
    socket.on('end', close);
    socket.on('error', close);
    const drain = (): void => {
      for (let round = 0; isOpen && round < MOST_ROUNDS; round++) if (!takeOnce(fd, take)) return;
    };
    drain();
    socket.resume();
    return { drain, close };
  }

  return { read };
}

function openUnnamedPipe(directory: string): number {
  const path = join(directory, `.copy-${process.hrtime.bigint()}`);
  mkfifo(path, 0o600);
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } finally {
    rmSync(path);
  }
}
