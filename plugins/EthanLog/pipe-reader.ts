import { closeSync, constants, type FSWatcher, openSync, readSync, rmSync, watch } from 'node:fs';
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
   * Read a pipe until `close` is called.
   * @param fd of its reading end; it is the reader's from now on
   * @param path where the pipe is
   * @param take is given what came, and has kept it when it returns. It does not hold on to the memory, and does not throw
   */
  read(fd: number, path: string, take: (bytes: Buffer) => void): PipeReader;
}

/** What the second pipe holds unless it is made larger. */
const ROOM = 64 * 1024;
/** More than a pipe holds: one that is filled again meanwhile is not emptied for ever. */
const MOST_ROUNDS = 8;
/** Without news, too: of very many at once, some are not told. */
const LOOK_ANYWAY_MS = 5_000;

/**
 * Bytes are taken out of a pipe only after `take` has them safe, so that a kill in the middle loses nothing: they are copied into a pipe
 * of our own first (tee), read from there, given away, and only then read from where they were. The news that something is in a pipe comes
 * from watching its path: a `Socket` has them by reading, and of a thread that is just being ended it reads on with nobody to take it.
 * @param directory where the second pipe is made; its name is gone at once
 */
export function createPipeReaders(directory: string): PipeReaders {
  const copy = openUnnamedPipe(directory);
  const buffer = Buffer.allocUnsafe(ROOM);
  const looks = new Set<() => void>();
  setInterval(() => looks.forEach((look) => look()), LOOK_ANYWAY_MS).unref();

  /** Take once from the pipe; false when it was empty. */
  function takeOnce(fd: number, take: (bytes: Buffer) => void): boolean {
    const copied = tee(fd, copy, ROOM);
    if (copied === 0) return false;
    const length = readSync(copy, buffer, 0, copied, null);
    take(buffer.subarray(0, length));
    readSync(fd, buffer, 0, length, null);
    return true;
  }

  function read(fd: number, path: string, take: (bytes: Buffer) => void): PipeReader {
    let isOpen = true;
    let next: NodeJS.Immediate | undefined;
    // Not at once: other pipes have their turn, and much news is one look.
    const look = (): void => void (next ??= setImmediate(turn));
    function turn(): void {
      next = undefined;
      if (isOpen && takeOnce(fd, take)) look();
    }
    // First, so that nothing comes between.
    const watcher = watchPipe(path, look);
    looks.add(look);
    const drain = (): void => {
      for (let round = 0; isOpen && round < MOST_ROUNDS; round++) if (!takeOnce(fd, take)) return;
    };
    drain();
    return {
      drain,
      close() {
        if (!isOpen) return;
        isOpen = false;
        looks.delete(look);
        watcher?.close();
        closeSync(fd);
      },
    };
  }

  return { read };
}

/** Undefined where the host has no watches left. */
function watchPipe(path: string, onNews: () => void): FSWatcher | undefined {
  try {
    return watch(path, onNews).on('error', () => undefined);
  } catch (error) {
    console.warn(`${path} cannot be watched, so it is read every ${LOOK_ANYWAY_MS / 1000} s: ${String(error)}`);
    return undefined;
  }
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
