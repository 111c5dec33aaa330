import type { LogStream } from '../keeper/protocol.ts';

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

/** One record of the CRI log format: `TIME STREAM TAG TEXT`. The first two parts have the same length in every record that the keeper writes. */
const recordHead = /^(\S{20,40}) (stdout|stderr) ([FP])$/;
const longestHead = 60;
const space = 0x20;

/** Longer lines come in parts: a program that never ends its line must not fill our memory. */
const longestLine = 1024 * 1024;

interface Begun {
  readonly time: string;
  readonly pieces: Buffer[];
  length: number;
}

export function assembleLines(): LineAssembler {
  const begun = new Map<LogStream, Begun>();

  const asLine = (stream: LogStream, { time, pieces }: Begun): LogLine => ({
    time,
    stream,
    text: Buffer.concat(pieces),
  });

  return {
    add(record) {
      const parsed = parseRecord(record);
      if (!parsed) return undefined;
      const { time, stream, isWhole, text } = parsed;
      const line = begun.get(stream) ?? { time, pieces: [], length: 0 };
      line.pieces.push(Buffer.from(text));
      line.length += text.length;
      begun.set(stream, line);
      if (!isWhole && line.length < longestLine) return undefined;
      begun.delete(stream);
      return asLine(stream, line);
    },
    rest: () => [...begun].map(([stream, line]) => asLine(stream, line)),
  };
}

function parseRecord(record: Buffer): { time: string; stream: LogStream; isWhole: boolean; text: Buffer } | undefined {
  const end = endOfHead(record);
  const [, time, stream, tag] = recordHead.exec(record.toString('latin1', 0, end)) ?? [];
  if (time === undefined || (stream !== 'stdout' && stream !== 'stderr')) return undefined;
  return { time, stream, isWhole: tag === 'F', text: record.subarray(end + 1) };
}

/** Where the third space is; 0 when there is none where it should be. */
function endOfHead(record: Buffer): number {
  const head = record.subarray(0, longestHead);
  const first = head.indexOf(space);
  const second = first < 0 ? -1 : head.indexOf(space, first + 1);
  return second < 0 ? 0 : Math.max(0, head.indexOf(space, second + 1));
}

/** Whether the record that begins here has the end of its line. */
export function endsLine(recordStart: Buffer): boolean {
  return recordStart[endOfHead(recordStart) - 1] !== 'P'.charCodeAt(0);
}

export const headBytes = longestHead;
