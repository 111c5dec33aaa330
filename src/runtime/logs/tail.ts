import type { FileHandle } from 'node:fs/promises';
import { headBytes } from './records.ts';

const blockBytes = 64 * 1024;
const newline = 10;

/**
 * Where the last `lines` lines of a log file begin, looking from its end.
 * @param openEnd a last line that has no end yet counts
 * @param endsLine whether the record that begins with these bytes is the last of its line
 * @returns the offset of a record, and how many lines there are from there on: fewer than asked for when the file has no more
 */
export async function findTail(
  file: FileHandle,
  lines: number,
  openEnd: boolean,
  endsLine: (head: Buffer) => boolean,
): Promise<{ start: number; found: number }> {
  const { size } = await file.stat();
  let start = size;
  let found = 0;
  let isOpenEnd = openEnd;
  for await (const { at, head } of recordsFromEnd(file, size)) {
    const isLine = endsLine(head) || isOpenEnd;
    if (isLine && found === lines) break;
    if (isLine) found++;
    isOpenEnd = false;
    start = at;
  }
  return { start, found };
}

/** The records of the file, last first: where they begin, and what they begin with. */
async function* recordsFromEnd(
  file: FileHandle,
  size: number,
): AsyncGenerator<{ at: number; head: Buffer }, void, undefined> {
  let after = Buffer.alloc(0);
  for (let to = size; to > 0;) {
    const from = Math.max(0, to - blockBytes);
    const block = Buffer.concat([await readAt(file, from, to - from), after]);
    for (let end = to - from - 1; end >= 0;) {
      const newlineAt = block.lastIndexOf(newline, end);
      if (newlineAt < 0) break;
      if (from + newlineAt + 1 < size)
        yield { at: from + newlineAt + 1, head: block.subarray(newlineAt + 1, newlineAt + 1 + headBytes) };
      end = newlineAt - 1;
    }
    after = block.subarray(0, headBytes);
    to = from;
  }
  if (size > 0) yield { at: 0, head: after };
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}
