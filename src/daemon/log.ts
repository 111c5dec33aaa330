import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';

/**
 * hob's own log: JSON, one object a line, written at once (a line that waits in memory is lost with the process); for
 * people at a terminal, plain lines.
 * @param write takes each finished line for people; without it the log is JSON on standard output
 */
export function createLog(level: string, write?: (line: string) => void): Logger {
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!write) return pino(options, standardOutput());
  return pino(options, { write: (json: string) => write(forPeople(json)) });
}

/** A full disk or a closed pipe behind it costs lines of the log, and nothing else. */
function standardOutput(): DestinationStream {
  const out = pino.destination({ fd: 1, sync: true });
  out.on('error', () => undefined);
  return out;
}

const levels: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: '',
  40: 'warning: ',
  50: 'error: ',
  60: 'fatal: ',
};

/** `19:31:02 default/web: started, pid 4711` */
function forPeople(json: string): string {
  const line = JSON.parse(json) as Record<string, unknown>;
  // The reason is for programs; the message says it in words.
  const { time, level, msg, container, err, reason: _, hob: __, file: ___, ...rest } = line;
  const about = typeof container === 'string' ? `${container}: ` : '';
  const because = isError(err) ? `: ${err.message}` : '';
  const more = Object.entries(rest).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${String(time).slice(11, 19)} ${levels[String(level)] ?? ''}${about}${typeof msg === 'string' ? msg : ''}${because}${more.join('')}`;
}

const isError = (value: unknown): value is { message: string } =>
  typeof value === 'object' && value !== null && 'message' in value;
