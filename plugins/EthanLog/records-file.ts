import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { type Entry, remark, type Sink } from './entry.ts';

/** More than a record can take, every byte of it escaped. */
const LONGEST_LINE = 16 * 1024;
/** Of the file that is written; there is one more beside it. */
const MAX_FILE_BYTES = 10 * 1024 * 1024;

/**
 * Keeps a container's records in a file, an object of JSON a line, and the older ones in PATH.1. A full disk costs the records that do
 * not fit, and never half of one. The file is opened anew for each write: whoever removes it gets a new one, and nothing is held open.
 */
export function createRecordsFile(path: string, maxFileBytes: number = MAX_FILE_BYTES): Sink {
  let dropped = 0;
  let isWhole = false;

  return {
    write(entries) {
      const [first] = entries;
      if (!first) return;
      const lost = dropped === 0 ? [] : [remark(first.name, `${dropped} records could not be written to ${path}`)];
      try {
        // An earlier hob may have been killed in the middle of a write.
        isWhole ||= cutHalfLine(path);
        append(path, [...lost, ...entries].map(lineOf).join(''), maxFileBytes);
        dropped = 0;
      } catch (error) {
        if (dropped === 0) console.error(`records of ${first.name} are lost: ${String(error)}`);
        dropped += entries.length;
      }
    },
  };
}

/** Cut off the last line where it has no end. */
function cutHalfLine(path: string): true {
  const fd = openSync(path, 'a+', 0o600);
  try {
    const { size } = fstatSync(fd);
    const end = Buffer.alloc(Math.min(size, LONGEST_LINE));
    readSync(fd, end, 0, end.length, size - end.length);
    ftruncateSync(fd, size - end.length + end.lastIndexOf('\n') + 1);
    return true;
  } finally {
    closeSync(fd);
  }
}

function append(path: string, lines: string, maxFileBytes: number): void {
  const fd = openSync(path, 'a', 0o600);
  try {
    const { size } = fstatSync(fd);
    // Should this one be too much, the file is a little larger than it may be.
    writeWhole(fd, size, Buffer.from(lines));
    if (size + lines.length >= maxFileBytes) renameSync(path, `${path}.1`);
  } finally {
    closeSync(fd);
  }
}

function writeWhole(fd: number, size: number, bytes: Buffer): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  } catch (error) {
    ftruncateSync(fd, size);
    throw error;
  }
}

/** The names that people know from journald and from other logs. */
function lineOf({ time, level, name, monotonic, ...rest }: Entry): string {
  const words = {
    time: time.toISOString(),
    ...(level && { priority: level.priority, level: level.name }),
    name,
    ...rest,
    ...(monotonic !== undefined && { monotonic }),
  };
  return `${JSON.stringify(words)}\n`;
}
