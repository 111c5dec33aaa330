import { type Entry, remark, type Sink } from './entry.ts';
import { closeDescriptor, openDatagramSocket, sendDatagram, unixAddress } from './libc.ts';

const SOCKET = '/run/systemd/journal/socket';
/** There is no journald here. */
const absent = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);

/**
 * Sends records to journald, where there is one: a datagram each, by its native protocol, from a socket that never waits. The socket is
 * opened for each lot of records, so nothing has to be noticed when journald starts again.
 */
export function createJournald(path: string = SOCKET): Sink {
  const address = unixAddress(path);
  let dropped = 0;

  /** How many were sent, and why not all. */
  function send(entries: readonly Entry[]): { sent: number; code?: string | undefined } {
    const socket = openDatagramSocket();
    try {
      for (const [sent, entry] of entries.entries()) {
        const code = sendDatagram(socket, journalMessage(fieldsOf(entry)), address);
        if (code !== undefined) return { sent, code };
      }
      return { sent: entries.length };
    } finally {
      closeDescriptor(socket);
    }
  }

  return {
    write(entries) {
      const [first] = entries;
      if (!first) return;
      const lost = dropped === 0 ? [] : [remark(first.name, `journald did not take ${dropped} records`)];
      const { sent, code = '' } = send([...lost, ...entries]);
      if (sent >= lost.length) dropped = 0;
      if (!absent.has(code)) dropped += entries.length - Math.max(0, sent - lost.length);
    },
  };
}

/** Dobby's fields, in its order. */
function fieldsOf({ name, level, pid, message, ...entry }: Entry): [string, string][] {
  const fields: [string, string | number | undefined][] = [
    ['SYSLOG_IDENTIFIER', name],
    ['PRIORITY', level?.priority],
    ['MONOTONIC_TS', entry.monotonic],
    ['SYSLOG_PID', pid],
    ['OBJECT_PID', pid],
    ['THREAD_NAME', entry.thread],
    ['CODE_FILE', entry.file],
    ['CODE_FUNC', entry.function],
    ['CODE_LINE', entry.line],
    ['MESSAGE', message],
  ];
  return fields.flatMap(([field, value]) => (value === undefined ? [] : [[field, String(value)]]));
}

/** A message of journald's native protocol: `NAME=value` a line; a value of several lines with its length before it. */
export function journalMessage(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => (value.includes('\n') ? longField(name, value) : [line(name, value)])),
  );
}

const line = (name: string, value: string): Buffer => Buffer.from(`${name}=${value}\n`);

function longField(name: string, value: string): Buffer[] {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return [Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')];
}
