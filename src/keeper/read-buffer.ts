import { closeSync, constants, fstatSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { mapFile } from './libc.ts';

/** Where a write to the log file began. */
export interface Place {
  readonly inode: number;
  readonly size: number;
}

/**
 * Where the output of one stream is between FIFO and log file. The memory is a file's, so it is still there when the keeper is killed
 * between reading and writing; the next keeper finds what it was about to do, and finishes it once.
 */
export interface ReadBuffer {
  /** Reads go to the start of this. */
  readonly data: Buffer;
  /** The last line in the log has no end yet. */
  partial: boolean;
  /** How many bytes an earlier keeper left here, and where it had begun to write them, if it had. To be asked before the first read. */
  unwritten(): { readonly length: number; readonly begun?: Place };
  beginWrite(length: number, place: Place): void;
  endWrite(length: number): void;
  /** Give up the memory, once nothing reads into it any more. */
  unmap(): void;
  /** Remove the file. Never throws: it is in the bundle, and goes with that at the latest. */
  remove(): void;
}

const fileBytes = 16 * 1024;
const headerBytes = 64;
/** At the start of the file: this layout. */
const magic = 0x686f6231;

/** No UTF-8 has this byte, so it marks where nothing was read. */
const unused = 0xff;
const field = { state: 1, length: 2, inode: 3, size: 4, partial: 5 } as const;
const state = { reading: 0, writing: 1, written: 2 } as const;

/**
 * The buffer kept in the file at `path`, made when there is none.
 * When there cannot be one (disk full), plain memory serves, and `warn` is told: only a kill of the keeper at a bad moment makes a difference.
 */
export function openReadBuffer(path: string, warn: (message: string) => void): ReadBuffer {
  const { memory, unmap, fresh } = mapOrAllocate(path, warn);
  const header = new Float64Array(memory.buffer, memory.byteOffset, headerBytes / 8);
  const data = memory.subarray(headerBytes);
  return {
    data,
    get partial() {
      return header[field.partial] === 1;
    },
    set partial(partial) {
      header[field.partial] = partial ? 1 : 0;
    },
    // A look at all of it would make all of it resident.
    unwritten: () => (fresh ? { length: 0 } : unwritten(header, data)),
    beginWrite(length, place) {
      header[field.length] = length;
      header[field.inode] = place.inode;
      header[field.size] = place.size;
      header[field.state] = state.writing;
    },
    endWrite(length) {
      // In this order: a kill after any of these leaves a state that says what the data is worth.
      header[field.state] = state.written;
      data.fill(unused, 0, length);
      header[field.state] = state.reading;
    },
    unmap,
    remove: () => tryToRemove(path, warn),
  };
}

function tryToRemove(path: string, warn: (message: string) => void): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    warn(`${path} cannot be removed: ${String(error)}`);
  }
}

function unwritten(header: Float64Array, data: Buffer): { length: number; begun?: Place } {
  switch (header[field.state]) {
    case state.writing:
      return {
        length: header[field.length] ?? 0,
        begun: { inode: header[field.inode] ?? 0, size: header[field.size] ?? 0 },
      };
    case state.written:
      data.fill(unused);
      header[field.state] = state.reading;
      return { length: 0 };
    default:
      return { length: data.findLastIndex((byte) => byte !== unused) + 1 };
  }
}

interface Mapping {
  readonly memory: Buffer;
  readonly unmap: () => void;
  /** No earlier keeper had it. */
  readonly fresh: boolean;
}

function mapOrAllocate(path: string, warn: (message: string) => void): Mapping {
  try {
    return mapBufferFile(path);
  } catch (error) {
    warn(`output is read into plain memory, as ${path} cannot be used: ${String(error)}`);
    return { memory: freshImage(), unmap: () => undefined, fresh: true };
  }
}

function mapBufferFile(path: string): Mapping {
  const { fd, fresh } = openBufferFile(path);
  try {
    return { ...mapFile(fd, fileBytes), fresh };
  } finally {
    closeSync(fd);
  }
}

/** An earlier keeper's file, or a new one. All of it is written, so that no later store into the mapping can find the disk full: that would kill. */
function openBufferFile(path: string): { fd: number; fresh: boolean } {
  const left = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (isBufferFile(left)) return { fd: left, fresh: false };
  closeSync(left);
  rmSync(path);
  const made = openSync(path, 'wx+', 0o600);
  try {
    const image = freshImage();
    if (writeSync(made, image) === image.length) return { fd: made, fresh: true };
    throw new Error('ENOSPC: no space left on device, write');
  } catch (error) {
    closeSync(made);
    throw error;
  }
}

function isBufferFile(fd: number): boolean {
  const start = Buffer.alloc(headerBytes);
  return fstatSync(fd).size === fileBytes && readSync(fd, start) === headerBytes && start.readDoubleLE(0) === magic;
}

function freshImage(): Buffer {
  const image = Buffer.alloc(fileBytes, unused);
  image.fill(0, 0, headerBytes);
  image.writeDoubleLE(magic, 0);
  return image;
}
