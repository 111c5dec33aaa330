/**
 * The few libc calls that this plugin needs and Node lacks. Each takes a few microseconds and waits for nothing.
 *
 * Descriptors from here are closed here: in a thread, Node keeps account of those that its own `openSync` opened, and closes at the end
 * of the thread what it believes to be still open, whoever has that number by then.
 */

import type * as ffiTypes from 'node:ffi';
import { getSystemErrorMap } from 'node:util';
import type { Clocks } from './entry.ts';

const definitions = {
  __errno_location: { arguments: [], return: 'pointer' },
  clock_gettime: { arguments: ['int32', 'buffer'], return: 'int32' },
  close: { arguments: ['int32'], return: 'int32' },
  mkfifo: { arguments: ['string', 'uint32'], return: 'int32' },
  fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  flock: { arguments: ['int32', 'int32'], return: 'int32' },
  tee: { arguments: ['int32', 'int32', 'uint64', 'uint32'], return: 'int64' },
  socket: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  sendto: { arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'], return: 'int64' },
} as const;

const CLOCK_BOOTTIME = 7;
const F_SETPIPE_SZ = 1031;
const LOCK_EX_NB = 2 | 4;
const SPLICE_F_NONBLOCK = 2;
const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_NOSIGNAL = 0x4000;

const timespec = Buffer.alloc(16);

/** The time since the start of the host, without and with the time that it was suspended. */
export function readClocks(): Clocks {
  const monotonic = process.hrtime.bigint();
  libc().clock_gettime(CLOCK_BOOTTIME, timespec);
  return { monotonic, boottime: timespec.readBigInt64LE(0) * 1_000_000_000n + timespec.readBigInt64LE(8) };
}

/** Make a FIFO. Throws an Error with a `code`. */
export function mkfifo(path: string, mode: number): void {
  if (libc().mkfifo(path, mode) < 0) throw lastError('mkfifo', path);
}

/** Of a socket from here. */
export function closeDescriptor(fd: number): void {
  libc().close(fd);
}

/** Ask for so much room in a pipe. False when the kernel does not give it. */
export function resizePipe(fd: number, bytes: number): boolean {
  return libc().fcntl(fd, F_SETPIPE_SZ, bytes) >= 0;
}

/** Take an exclusive flock without waiting; false when another open file has it. It goes when the descriptor is closed. */
export function tryLock(fd: number): boolean {
  return libc().flock(fd, LOCK_EX_NB) === 0;
}

/** Copy what is in one pipe into another, as far as it has room, and leave it in the first. How many bytes; 0 when there is nothing. */
export function tee(from: number, to: number, atMost: number): number {
  const bytes = libc().tee(from, to, BigInt(atMost), SPLICE_F_NONBLOCK);
  if (bytes >= 0n) return Number(bytes);
  const error = lastError('tee', `descriptor ${from}`);
  if (error.code === 'EAGAIN') return 0;
  throw error;
}

/** A socket (close-on-exec, never waiting) for datagrams to paths. For `closeDescriptor`. */
export function openDatagramSocket(): number {
  const fd = libc().socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw lastError('socket', 'for datagrams');
  return fd;
}

/** Send one datagram. The code of the error ("EAGAIN": nobody reads there) when it cannot be. */
export function sendDatagram(fd: number, datagram: Buffer, address: Buffer): string | undefined {
  const sent = libc().sendto(fd, datagram, BigInt(datagram.length), MSG_NOSIGNAL, address, address.length);
  return sent < 0n ? lastError('sendto', 'a socket').code : undefined;
}

/** A `struct sockaddr_un`. */
export function unixAddress(path: string): Buffer {
  return Buffer.concat([new Uint8Array(new Uint16Array([AF_UNIX]).buffer), Buffer.from(`${path}\0`)]);
}

type FFI = typeof ffiTypes;
type Functions = ReturnType<typeof openLibc>['functions'];
let opened: { readonly ffi: FFI; readonly functions: Functions } | undefined;

function libc(): Functions {
  if (opened) return opened.functions;
  const ffi = process.getBuiltinModule('node:ffi');
  if (!ffi) throw new Error(`this Node (${process.version}) has no node:ffi; EthanLog needs Node 26.1 or later`);
  opened = { ffi, functions: openLibc(ffi).functions };
  return opened.functions;
}

const openLibc = (ffi: FFI) => ffi.dlopen(null, definitions);

/** Of the call just made. */
function lastError(syscall: string, subject: string): NodeJS.ErrnoException {
  const errno = opened ? opened.ffi.getInt32(opened.functions.__errno_location(), 0) : 0;
  const [code, words] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return Object.assign(new Error(`${syscall} ${subject}: ${words} (${code})`), { code, errno: -errno, syscall });
}
