import { closeSync, openSync, readSync } from 'node:fs';

/**
 * Read a file that others only ever add lines to, each of its lines once: it grows over thousands of plays, and is looked at many times
 * in each.
 * @param parse what to make of a line
 * @returns all that there is so far; a line that is not whole yet comes later
 */
export function lineLog<Line>(path: string, parse: (text: string) => Line): () => readonly Line[] {
  const lines: Line[] = [];
  const chunk = Buffer.alloc(64 * 1024);
  let offset = 0;
  let begun = '';

  return () => {
    const fd = openSync(path, 'r');
    try {
      for (let length; (length = readSync(fd, chunk, 0, chunk.length, offset)) > 0; offset += length) {
        const pieces = (begun + chunk.toString('latin1', 0, length)).split('\n');
        begun = pieces.pop() ?? '';
        lines.push(...pieces.map(parse));
      }
    } finally {
      closeSync(fd);
    }
    return lines;
  };
}

/** The one reader of each world. */
export function perWorld<Places extends object, Line>(
  open: (places: Places) => () => readonly Line[],
): (places: Places) => readonly Line[] {
  const readers = new WeakMap<Places, () => readonly Line[]>();
  return (places) => {
    const reader = readers.get(places) ?? open(places);
    readers.set(places, reader);
    return reader();
  };
}
