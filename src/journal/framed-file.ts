import { readFileSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { codeOf } from '../host/errors.ts';

/**
 * A small file that is overwritten in its place: `CHECKSUM LENGTH`, a newline, and as many bytes of text. What an earlier, longer text left
 * after it counts for nothing, and one that was not written to its end is known by its checksum. Half the cost of renaming a new file in,
 * for what need not survive a death in the very middle of the write.
 * @throws Error of the file system
 */
export function writeFramed(path: string, text: string): void {
  const framed = `${crc32(text)} ${Buffer.byteLength(text)}\n${text}`;
  try {
    writeFileSync(path, framed, { flag: 'r+' });
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    writeFileSync(path, framed, { mode: 0o600 });
  }
}

/** Undefined when the file is not there, or not whole. */
export function readFramed(path: string): string | undefined {
  const bytes = readIfThere(path);
  const begin = bytes.indexOf('\n') + 1;
  const [checksum, length] = bytes.toString('latin1', 0, begin).split(' ').map(Number);
  const content = bytes.subarray(begin, begin + (length ?? 0));
  return content.length === length && crc32(content) === checksum ? content.toString() : undefined;
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
