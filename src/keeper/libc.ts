/** The few libc calls that the keeper needs and Node lacks. It has its own, as it shares no code with hob. */

import { closeSync, writeSync } from 'node:fs';
import ffi from 'node:ffi';

/** The process's own symbols: libc is linked into Node already, whatever its file is called on this system. */
const { functions: libc } = ffi.dlopen(null, {
  __errno_location: { arguments: [], return: 'pointer' },
  clock_gettime: { arguments: ['int32', 'buffer'], return: 'int32' },
  flock: { arguments: ['int32', 'int32'], return: 'int32' },
  memfd_create: { arguments: ['string', 'uint32'], return: 'int32' },
  mmap: { arguments: ['pointer', 'uint64', 'int32', 'int32', 'int32', 'int64'], return: 'pointer' },
  munmap: { arguments: ['pointer', 'uint64'], return: 'int32' },
  pipe2: { arguments: ['buffer', 'int32'], return: 'int32' },
  syscall: { arguments: ['int64', 'int64', 'int64', 'int64'], return: 'int64' },
});

const CLOCK_REALTIME = 0;
const LOCK_EX_NB = 2 | 4;
const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 1;
const MAP_FAILED = 2n ** 64n - 1n;
const MFD_CLOEXEC = 1;
const O_CLOEXEC = 0o2000000;
/** The system calls younger than the common table have one number on every architecture. */
const SYS_PIDFD_OPEN = 434n;
const SYS_PIDFD_GETFD = 438n;

/** The kernel gives none beyond. */
const LARGEST_PID = 2 ** 22;

const timespec = Buffer.alloc(16);

/** The wall clock, as finely as the system has it. */
export function now(): { seconds: number; nanoseconds: number } {
  libc.clock_gettime(CLOCK_REALTIME, timespec);
  return { seconds: Number(timespec.readBigInt64LE(0)), nanoseconds: Number(timespec.readBigInt64LE(8)) };
}

/** Take an exclusive lock on an open file without waiting. False when somebody else has it. It ends with the process. */
export function tryLock(fd: number): boolean {
  return libc.flock(fd, LOCK_EX_NB) === 0;
}

/** Memory that is the first `length` bytes of an open file. Throws when the system refuses. `unmap` makes `memory` unusable: touching it kills. */
export function mapFile(fd: number, length: number): { memory: Buffer; unmap: () => void } {
  const address = libc.mmap(0n, BigInt(length), PROT_READ_WRITE, MAP_SHARED, fd, 0n);
  if (address === MAP_FAILED) throw lastError('mmap');
  return { memory: ffi.toBuffer(address, length, false), unmap: () => void libc.munmap(address, BigInt(length)) };
}

/**
 * A file without a name (close-on-exec), read from its beginning: what a program is to read from stdin is there as a whole before the
 * program is, whoever dies meanwhile.
 */
export function makeMemoryFile(text: string): number {
  const fd = libc.memfd_create('stdin', MFD_CLOEXEC);
  if (fd < 0) throw lastError('memfd_create');
  try {
    writeAll(fd, Buffer.from(text));
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** At a position of its own: that of the descriptor, which the program gets, stays at 0. */
function writeAll(fd: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;)
    written += writeSync(fd, bytes, written, bytes.length - written, written);
}

export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** A pipe, both ends close-on-exec. Node's own are socket pairs, which a program cannot open again as /dev/stdout. */
export function makePipe(): Pipe {
  const ends = Buffer.alloc(8);
  if (libc.pipe2(ends, O_CLOEXEC) < 0) throw lastError('pipe');
  return { readEnd: ends.readInt32LE(0), writeEnd: ends.readInt32LE(4) };
}

export function closePipe(pipe: Pipe): void {
  closeSync(pipe.readEnd);
  closeSync(pipe.writeEnd);
}

/** A descriptor (close-on-exec) that stands for a process. Throws ESRCH when there is none. */
export function openPidfd(pid: number): number {
  // The kernel would look at 32 bits of it only, and take another process.
  if (pid > LARGEST_PID) throw Object.assign(new Error(`there can be no process ${pid}`), { code: 'ESRCH' });
  const fd = libc.syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n);
  if (fd < 0n) throw lastError('pidfd_open');
  return Number(fd);
}

/** A descriptor (close-on-exec) of this process for what `fd` of the pidfd's process is open on. Whatever that is: a socket, too, which has no path to be opened by. */
export function copyDescriptor(pidfd: number, fd: number): number {
  const copy = libc.syscall(SYS_PIDFD_GETFD, BigInt(pidfd), BigInt(fd), 0n);
  if (copy < 0n) throw lastError('pidfd_getfd');
  return Number(copy);
}

/** The errors that these calls can meet. Node's own table would cost half a megabyte. */
const errorNames: Readonly<Record<number, string>> = {
  1: 'EPERM',
  3: 'ESRCH',
  9: 'EBADF',
  12: 'ENOMEM',
  19: 'ENODEV',
  22: 'EINVAL',
  23: 'ENFILE',
  24: 'EMFILE',
  38: 'ENOSYS',
};

/** The error of the call just made. */
function lastError(syscall: string): Error {
  const errno = ffi.getInt32(libc.__errno_location(), 0);
  const code = errorNames[errno] ?? `errno ${errno}`;
  return Object.assign(new Error(`${syscall} failed: ${code}`), { code });
}
