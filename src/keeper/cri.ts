import type { LogStream } from './protocol.ts';

const newline = 10;

/**
 * Output as records of the CRI log format, `TIME STREAM TAG TEXT` a line. The tag of the last is P when it has no newline yet: the line goes on.
 * A string of bytes (latin1), made by a few calls into native code however many lines there are: that is what a log costs.
 */
export function formatRecords(time: string, stream: LogStream, data: Buffer): string {
  const end = data.lastIndexOf(newline);
  const full = `${time} ${stream} F `;
  const lines = end < 0 ? '' : `${full}${data.toString('latin1', 0, end).replace(/\n/g, `\n${full}`)}\n`;
  return endsInPart(data) ? `${lines}${time} ${stream} P ${data.toString('latin1', end + 1)}\n` : lines;
}

/** Whether these bytes leave their last line without an end. */
export const endsInPart = (data: Buffer): boolean => data[data.length - 1] !== newline;

export function countNewlines(data: Buffer): number {
  let count = 0;
  for (let at = data.indexOf(newline); at >= 0; at = data.indexOf(newline, at + 1)) count++;
  return count;
}
