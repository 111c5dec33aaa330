import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Entry } from '../../plugins/EthanLog/entry.ts';
import { createJournald } from '../../plugins/EthanLog/journald.ts';
import { closeDescriptor, openDatagramSocket, unixAddress } from '../../plugins/EthanLog/libc.ts';

let dir: string;
let path: string;
let fd: number | undefined;

const ffi = process.getBuiltinModule('node:ffi');
const { bind, recv } = ffi.dlopen(null, {
  bind: { arguments: ['int32', 'buffer', 'uint32'], return: 'int32' },
  recv: { arguments: ['int32', 'buffer', 'uint64', 'int32'], return: 'int64' },
}).functions;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-journald-'));
  path = join(dir, 'socket');
});
afterEach(() => {
  close();
  rmSync(dir, { recursive: true });
});

/** A socket where journald's would be. */
function listen(): void {
  fd = openDatagramSocket();
  const address = unixAddress(path);
  expect(bind(fd, address, address.length)).toBe(0);
}

function close(): void {
  if (fd !== undefined) closeDescriptor(fd);
  fd = undefined;
  rmSync(path, { force: true });
}

/** All datagrams that wait there. */
function received(): string[] {
  const buffer = Buffer.alloc(8192);
  const datagrams: string[] = [];
  for (;;) {
    const length = Number(recv(fd ?? -1, buffer, BigInt(buffer.length), 0));
    if (length < 0) return datagrams;
    datagrams.push(buffer.toString('latin1', 0, length));
  }
}

const entry = (message: string, more: Partial<Entry> = {}): Entry => ({
  time: new Date(),
  name: 'web',
  message,
  ...more,
});
const messages = (): string[] => received().map((text) => /MESSAGE=(.*)\n$/.exec(text)?.[1] ?? text);

it('journald gets a datagram a record, with the fields that Dobby sends', () => {
  listen();
  const journald = createJournald(path);
  const level = { name: 'error', digit: 2, priority: 3 } as const;
  const place = { thread: 'main', file: 'a.c', function: 'go', line: 17 };
  journald.write([entry('it broke', { level, pid: 42, monotonic: '0000002a.05f5e100', ...place }), entry('one\ntwo')]);
  expect(received()).toEqual([
    'SYSLOG_IDENTIFIER=web\nPRIORITY=3\nMONOTONIC_TS=0000002a.05f5e100\nSYSLOG_PID=42\nOBJECT_PID=42\nTHREAD_NAME=main\n' +
      'CODE_FILE=a.c\nCODE_FUNC=go\nCODE_LINE=17\nMESSAGE=it broke\n',
    'SYSLOG_IDENTIFIER=web\nMESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\n',
  ]);
});

it('a journald that does not read holds up nobody, and is told what it missed', () => {
  listen();
  const journald = createJournald(path);
  const many = Array.from({ length: 2000 }, (_, n) => entry(`${n}`));
  journald.write(many);
  const taken = messages();
  expect(taken.length).toBeLessThan(many.length);
  expect(taken).toEqual(many.slice(0, taken.length).map(({ message }) => message));
  journald.write([entry('next')]);
  expect(messages()).toEqual([`journald did not take ${many.length - taken.length} records`, 'next']);
});

it('where there is no journald nothing happens, and one that comes or starts again gets what comes then', () => {
  const journald = createJournald(path);
  journald.write([entry('into the void')]);
  listen();
  journald.write([entry('first')]);
  expect(messages()).toEqual(['first']);
  close();
  journald.write([entry('into the void')]);
  listen();
  journald.write([entry('second')]);
  expect(messages()).toEqual(['second']);
});
