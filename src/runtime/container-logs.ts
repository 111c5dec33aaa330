import type { LogStream } from '../keeper/protocol.ts';

export interface ReadLogOptions {
  /** The current log file; rotated ones are beside it as PATH.1, PATH.2, ... */
  readonly path: string;
  readonly maxFiles: number;
  /** Only the last so many lines (counted before `sinceTime` takes any away). */
  readonly tail?: number;
  readonly sinceTime?: Date;
  /** Go on with what comes, until `signal` fires. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** One line of output, put together again when the log has it in pieces. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, of the line's first piece. */
  readonly time: string;
  readonly stream: LogStream;
  /** Without the newline. */
  readonly text: Buffer;
}

export async function* readLog(_: ReadLogOptions): AsyncGenerator<LogLine, void, undefined> {}
