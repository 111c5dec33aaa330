import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync } from 'node:fs';
import { renameSync, rmSync, statSync, writeSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import type { Place } from './read-buffer.ts';

/** A file that is appended to and never grows beyond its limit: PATH becomes PATH.1, PATH.1 becomes PATH.2, and so on. */
export interface RotatingFile {
  /** Where its end is now. Throws what the system says. */
  end(): Place;
  /** Make sure that the file is there and has room for `bytes` more, and say where they will begin. Throws what the system says. */
  prepare(bytes: number): Place;
  /** Append a string of bytes (latin1) at the place that `prepare` told: all of it, or nothing and throw. */
  append(bytes: string, place: Place): void;
  /** Cut off what is beyond the place. */
  cutTo(place: Place): void;
  close(): void;
}

export interface RotatingFileOptions {
  readonly path: string;
  readonly maxSizeBytes: number;
  /** The current file included. */
  readonly maxFiles: number;
}

// Non-blocking for the case that somebody puts a FIFO there: nothing may ever hold the keeper up.
const appending = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;

/** Opens nothing before it is first used, and anew whenever somebody has removed or replaced the file or its directory. */
export function rotatingFile({ path, maxSizeBytes, maxFiles }: RotatingFileOptions): RotatingFile {
  let open: { readonly fd: number; readonly dev: number; readonly ino: number } | undefined;

  function close(): void {
    if (open) closeSync(open.fd);
    open = undefined;
  }

  function openAnew(): Stats {
    close();
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(path, appending, 0o640);
    const stats = fstatSync(fd);
    open = { fd, dev: stats.dev, ino: stats.ino };
    return stats;
  }

  function current(): Stats {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats && stats.ino === open?.ino && stats.dev === open.dev ? stats : openAnew();
  }

  function openFd(): number {
    if (!open) throw new Error(`${path} is not open`);
    return open.fd;
  }

  return {
    end: () => placeOf(current()),
    prepare(bytes) {
      let stats = current();
      if (stats.size > 0 && stats.size + bytes > maxSizeBytes) {
        moveAway(path, maxFiles);
        stats = openAnew();
      }
      return placeOf(stats);
    },
    append(bytes, place) {
      const fd = openFd();
      try {
        for (let written = 0; written < bytes.length;) {
          written += writeSync(fd, written === 0 ? bytes : bytes.slice(written), null, 'latin1');
        }
      } catch (error) {
        ftruncateSync(fd, place.size);
        throw error;
      }
    },
    cutTo: (place) => ftruncateSync(openFd(), place.size),
    close,
  };
}

const placeOf = (stats: Stats): Place => ({ inode: stats.ino, size: stats.size });

function moveAway(path: string, maxFiles: number): void {
  if (maxFiles < 2) return rmSync(path);
  for (let age = maxFiles - 2; age > 0; age--) renameIfThere(`${path}.${age}`, `${path}.${age + 1}`);
  renameSync(path, `${path}.1`);
}

function renameIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false })) renameSync(from, to);
}
