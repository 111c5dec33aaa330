import type { LogStream } from '../../keeper/protocol.ts';

/** One line of output, put together again when the log has it in pieces. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, of the line's first piece. */
  readonly time: string;
  readonly stream: LogStream;
  /** Without the newline. */
  readonly text: Buffer;
}

export interface LineAssembler {
  /** The line that this record ends, if it does. Something that is no record is left out. */
  add(record: Buffer): LogLine | undefined;
  /** Lines that have begun and not ended. */
  rest(): LogLine[];
}

/**
 * Where the parts of a record are: `2026-01-01T00:00:00.000000000Z stdout F text`. The keeper writes times of this one length, and the
 * names of the streams are equally long.
 */
const streamAt = 31;
const tagAt = 38;
const textAt = 40;
const space = 0x20;
const partTag = 'P'.charCodeAt(0);

/** Longer lines come in parts: a program that never ends its line must not fill our memory. */
const longestLine = 1024 * 1024;

interface Begun {
  readonly time: string;
  readonly pieces: Buffer[];
  length: number;
}

export function assembleLines(): LineAssembler {
  const begun = new Map<LogStream, Begun>();

  function add(record: Buffer): LogLine | undefined {
    const stream = streamOf(record);
    if (!stream) return undefined;
    const line = begun.get(stream);
    if (!line && endsLine(record)) return { time: timeOf(record), stream, text: record.subarray(textAt) };
    return goOn(stream, line ?? { time: timeOf(record), pieces: [], length: 0 }, record);
  }

  function goOn(stream: LogStream, line: Begun, record: Buffer): LogLine | undefined {
    line.pieces.push(record.subarray(textAt));
    line.length += record.length - textAt;
    begun.set(stream, line);
    if (!endsLine(record) && line.length < longestLine) return undefined;
    begun.delete(stream);
    return asLine(stream, line);
  }

  return { add, rest: () => [...begun].map(([stream, line]) => asLine(stream, line)) };
}

const asLine = (stream: LogStream, { time, pieces }: Begun): LogLine => ({ time, stream, text: Buffer.concat(pieces) });

const timeOf = (record: Buffer): string => record.toString('latin1', 0, streamAt - 1);

/** Undefined when it is no record. */
function streamOf(record: Buffer): LogStream | undefined {
  if (record[streamAt - 1] !== space || record[tagAt - 1] !== space || record[textAt - 1] !== space) return undefined;
  const name = record.toString('latin1', streamAt, tagAt - 1);
  return name === 'stdout' || name === 'stderr' ? name : undefined;
}

/** Whether the record that begins with these bytes has the end of its line. */
export const endsLine = (start: Buffer): boolean => start[tagAt] !== partTag;

/** How much of a record `endsLine` has to see. */
export const headBytes = textAt;
