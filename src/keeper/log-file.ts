import { monotoneClock } from './clock.ts';
import { countNewlines, endsInPart, formatRecords } from './cri.ts';
import type { LogStream } from './protocol.ts';
import type { ReadBuffer } from './read-buffer.ts';
import { rotatingFile, type RotatingFileOptions } from './rotating-file.ts';

/** One stream that is written to a log file. */
export interface LogInput {
  readonly stream: LogStream;
  readonly buffer: ReadBuffer;
  /** What could not be written since the last time that something could. */
  lost?: Loss | undefined;
}

interface Loss {
  readonly newlines: number;
  /** The last line that was lost goes on in what comes. */
  readonly inPart: boolean;
  readonly bytes: number;
  readonly reason: string;
}

/**
 * The log file of one container. Nothing here throws or waits: what cannot be written is counted, and told in the log as soon as
 * that can be written again.
 */
export interface LogFile {
  /** Write the first `length` bytes of the input's buffer. */
  write(input: LogInput, length: number): void;
  /** Finish what an earlier keeper had read and perhaps begun to write. */
  recover(input: LogInput): void;
  /** End the input's last line if it has no end, and tell what was lost. */
  end(input: LogInput): void;
  close(): void;
}

/** A disk that is nearly full takes a line now and then: nobody wants to hear of each time that it does not. */
const tellAgainMs = 10 * 60_000;
/** The log says by itself how much is missing. */
const cure = 'make room there, or see to it that it can be written, and it goes on';

/** @param onLoss is told when output begins to be lost, and from time to time as long as it is */
export function logFile(options: RotatingFileOptions, onLoss: (message: string) => void): LogFile {
  const file = rotatingFile(options);
  const time = monotoneClock();
  let toldAt = -Infinity;

  function write(input: LogInput, length: number): void {
    const data = input.buffer.data.subarray(0, length);
    try {
      append(input, data);
    } catch (error) {
      lose(input, data, error);
    }
    input.buffer.endWrite(length);
  }

  function append(input: LogInput, data: Buffer): void {
    tellLoss(input);
    const records = formatRecords(time(), input.stream, data);
    const place = file.prepare(records.length);
    input.buffer.beginWrite(data.length, place);
    file.append(records, place);
    input.buffer.partial = endsInPart(data);
  }

  function appendText(input: LogInput, text: string): void {
    const records = formatRecords(time(), input.stream, Buffer.from(text));
    file.append(records, file.prepare(records.length));
    input.buffer.partial = false;
  }

  function tellLoss(input: LogInput): void {
    if (!input.lost) return;
    const { newlines, inPart, bytes, reason } = input.lost;
    const words = `[hob] ${newlines + (inPart ? 1 : 0)} lines (${bytes} bytes) of output are missing here: ${reason}\n`;
    appendText(input, input.buffer.partial ? `\n${words}` : words);
    input.lost = undefined;
  }

  function lose(input: LogInput, data: Buffer, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (performance.now() - toldAt > tellAgainMs) {
      toldAt = performance.now();
      onLoss(`output is lost, as ${options.path} cannot be written: ${reason}; ${cure}`);
    }
    const newlines = (input.lost?.newlines ?? 0) + countNewlines(data);
    input.lost = { newlines, inPart: endsInPart(data), bytes: (input.lost?.bytes ?? 0) + data.length, reason };
  }

  /** Whether the write that began there came to its end. A torn one is undone. */
  function finished(input: LogInput, data: Buffer, begun: { inode: number; size: number }): boolean {
    const end = file.end();
    if (end.inode !== begun.inode || end.size <= begun.size) return false;
    const { length } = formatRecords(time(), input.stream, data);
    if (end.size - begun.size >= length) return true;
    file.cutTo(begun);
    return false;
  }

  function isWritten(input: LogInput, data: Buffer): boolean {
    const { begun } = input.buffer.unwritten();
    try {
      return begun !== undefined && finished(input, data, begun);
    } catch {
      // The file cannot be looked at, so it cannot be written either: write() will say so.
      return false;
    }
  }

  return {
    write,
    recover(input) {
      const { length } = input.buffer.unwritten();
      if (length === 0) return;
      const data = input.buffer.data.subarray(0, length);
      if (!isWritten(input, data)) return write(input, length);
      input.buffer.partial = endsInPart(data);
      input.buffer.endWrite(length);
    },
    end(input) {
      try {
        if (input.lost) tellLoss(input);
        else if (input.buffer.partial) appendText(input, '\n');
      } catch {
        // Nothing more comes on this stream, and the loss was told when it began.
      }
    },
    close: file.close,
  };
}
