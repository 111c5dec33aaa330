import { type Level, levelOfDigit } from './levels.ts';

/** One record as a container wrote it. */
export interface LogRecord {
  readonly message: string;
  /** Without one, no filter of levels applies. */
  readonly level?: Level;
  /** CLOCK_MONOTONIC as it was written: seconds and nanoseconds, in hexadecimal digits, with a dot between. */
  readonly monotonic?: string;
  /** As the container numbers its processes. */
  readonly pid?: number;
  readonly thread?: string;
  readonly file?: string;
  readonly function?: string;
  readonly line?: number;
}

const FIELD = '\x1f';

type FieldName = keyof LogRecord;

/** The letter that a field begins with, what it is, and how many bytes of it count. */
const fields: ReadonlyMap<string, { readonly name: FieldName; readonly bytes: number }> = new Map([
  ['L', { name: 'level', bytes: 2 }],
  ['T', { name: 'monotonic', bytes: 50 }],
  ['P', { name: 'pid', bytes: 16 }],
  ['R', { name: 'thread', bytes: 20 }],
  ['S', { name: 'file', bytes: 118 }],
  ['F', { name: 'function', bytes: 118 }],
  ['N', { name: 'line', bytes: 22 }],
  ['M', { name: 'message', bytes: 512 }],
]);

/**
 * Read the body of a record. Undefined when it is none: a field of an unknown letter, a level that there isn't, a line that is no
 * number, no message. Of a field that is there twice, the first counts. What is too long is cut, and a pid that is none left out.
 */
export function parseRecord(body: Buffer): LogRecord | undefined {
  const texts = readFields(body);
  const message = texts?.message;
  if (texts === undefined || message === undefined) return undefined;
  const { level: digit, pid, line, ...words } = texts;
  const level = digit === undefined ? undefined : levelOfDigit(digit);
  const isWrong = (digit !== undefined && !level) || (line !== undefined && !/^\d+$/.test(line));
  if (isWrong) return undefined;
  return { ...words, message, ...(level && { level }), ...numberOf('line', line, 10), ...numberOf('pid', pid, 16) };
}

function numberOf(name: 'line' | 'pid', digits: string | undefined, base: number): Partial<LogRecord> {
  const value = digits !== undefined && /^[\da-f]+$/i.test(digits) ? Number.parseInt(digits, base) : Number.NaN;
  return Number.isSafeInteger(value) ? { [name]: value } : {};
}

function readFields(body: Buffer): Partial<Record<FieldName, string>> | undefined {
  const texts: Partial<Record<FieldName, string>> = {};
  // One byte a letter, so that limits count bytes.
  for (const part of body.toString('latin1').split(FIELD)) {
    if (part === '') continue;
    const field = fields.get(part.charAt(0));
    if (!field) return undefined;
    const isEmpty = part.length === 1 && field.name !== 'message';
    if (!isEmpty) texts[field.name] ??= decode(part.slice(1, 1 + field.bytes));
  }
  return texts;
}

const decode = (bytes: string): string => Buffer.from(bytes, 'latin1').toString();
