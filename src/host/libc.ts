/**
 * The few libc calls that Node lacks. All are synchronous and block the event loop while the kernel works:
 * microseconds for all but `mount` and `unmount`, which take tens of them.
 *
 * Failures are Errors with `code` ("EEXIST"), `errno`, `syscall` and a message that names the call and what it was for.
 */

import type * as ffiTypes from 'node:ffi';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

const definitions = {
  __errno_location: { arguments: [], return: 'pointer' },
  mkfifo: { arguments: ['string', 'uint32'], return: 'int32' },
  mount: { arguments: ['string', 'string', 'string', 'uint64', 'string'], return: 'int32' },
  umount2: { arguments: ['string', 'int32'], return: 'int32' },
  flock: { arguments: ['int32', 'int32'], return: 'int32' },
  fcntl: { arguments: ['int32', 'int32', 'int32'], return: 'int32' },
  ioctl: { arguments: ['int32', 'uint64', 'buffer'], return: 'int32' },
  unshare: { arguments: ['int32'], return: 'int32' },
  setns: { arguments: ['int32', 'int32'], return: 'int32' },
  epoll_create1: { arguments: ['int32'], return: 'int32' },
  epoll_ctl: { arguments: ['int32', 'int32', 'int32', 'buffer'], return: 'int32' },
  epoll_wait: { arguments: ['int32', 'buffer', 'int32', 'int32'], return: 'int32' },
  syscall: { arguments: ['int64', 'int64', 'int64', 'int64', 'int64'], return: 'int64' },
} as const;

/** mount(2) flags, to be or-ed together. */
export const MS = {
  RDONLY: 1n,
  NOSUID: 2n,
  NODEV: 4n,
  NOEXEC: 8n,
  BIND: 4096n,
  REC: 16384n,
  PRIVATE: 1n << 18n,
  SLAVE: 1n << 19n,
  SHARED: 1n << 20n,
} as const;

const MNT_DETACH = 2;
const CLONE_FS = 0x200;
const CLONE_NEWNS = 0x20000;
const LOCK_EX_NB = 2 | 4;
const F_DUPFD_CLOEXEC = 1030;
const F_SETSIG = 10;
const F_SETLEASE = 1024;
const F_RDLCK = 0;
const F_UNLCK = 2;
const O_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
/** What epoll is told to wait for: for an ordinary descriptor, and for a file of /proc that tells by urgent data that it has changed. */
export const EPOLL = { IN: 1, PRI: 2 } as const;
/** struct epoll_event is packed on x86-64 alone. */
const EPOLL_DATA_AT = process.arch === 'x64' ? 4 : 8;
const EPOLL_EVENT_SIZE = EPOLL_DATA_AT + 8;
const mostReady = 64;
/** The system calls younger than the common table have one number on every architecture. */
const SYS_PIDFD_SEND_SIGNAL = 424n;
const SYS_PIDFD_OPEN = 434n;
const SYS_PIDFD_GETFD = 438n;
/** struct pidfd_info of Linux 6.15, and the ioctl that fills it: _IOWR(0xFF, 11, 64 bytes). */
const PIDFD_GET_INFO = 0xc040ff0bn;
const PIDFD_INFO_EXIT = 1n << 3n;
const PIDFD_INFO_SIZE = 64;
const PIDFD_INFO_EXIT_CODE_AT = 60;
const FIRST_REALTIME_SIGNAL = 34;

/** Make a FIFO. `mode` is cut by the umask, as everywhere. */
export function mkfifo(path: string, mode: number): void {
  if (libc().mkfifo(path, mode) < 0) throw lastError('mkfifo', path);
}

/** mount(2). `flags` from `MS`; `data` is the filesystem's own option string. */
export function mount(what: { source?: string; target: string; type?: string; flags?: bigint; data?: string }): void {
  const { source = 'none', target, type = 'none', flags = 0n, data = '' } = what;
  if (libc().mount(source, target, type, flags, data) < 0) throw lastError('mount', `${type} at ${target}`);
}

/** umount2(2). With `detach`, a busy mount leaves the tree at once and ends when its last user does. */
export function unmount(target: string, { detach = false }: { detach?: boolean } = {}): void {
  if (libc().umount2(target, detach ? MNT_DETACH : 0) < 0) throw lastError('umount', target);
}

/** Give this thread, and no other of the process, a copy of the mount namespace. Only an execve makes all of it see that. */
export function unshareMountNamespace(): void {
  if (libc().unshare(CLONE_NEWNS) < 0) throw lastError('unshare', 'mount namespace');
}

/** Move this thread, and no other, into a mount namespace (a descriptor of /proc/PID/ns/mnt). Its working directory becomes `/`. */
export function joinMountNamespace(fd: number): void {
  // The kernel refuses a thread that shares its root and working directory with others.
  if (libc().unshare(CLONE_FS) < 0) throw lastError('unshare', 'working directory');
  if (libc().setns(fd, CLONE_NEWNS) < 0) throw lastError('setns', 'mount namespace');
}

/** Take an exclusive flock without waiting. False when somebody else holds it. It lasts until the last copy of the descriptor closes. */
export function tryLock(fd: number): boolean {
  if (libc().flock(fd, LOCK_EX_NB) === 0) return true;
  return unless('EAGAIN', lastError('flock', `descriptor ${fd}`), false);
}

/** The kernel gives none beyond. */
const LARGEST_PID = 2 ** 22;

/** Whether a number can be that of a process. The kernel itself looks at 32 bits only: to it, 2 ** 32 + 1 is process 1. */
export const isPid = (number: number): boolean => Number.isInteger(number) && number >= 1 && number <= LARGEST_PID;

/** A pidfd (close-on-exec) of a process; the caller closes it. Undefined when there is no such process. */
export function openPidfd(pid: number): number | undefined {
  if (!isPid(pid)) return undefined;
  const fd = libc().syscall(SYS_PIDFD_OPEN, BigInt(pid), 0n, 0n, 0n);
  return fd >= 0n ? Number(fd) : unless('ESRCH', lastError('pidfd_open', `process ${pid}`), undefined);
}

/** A descriptor (close-on-exec) of this process for what `fd` of the pidfd's process is open on. */
export function copyDescriptor(pidfd: number, fd: number): number {
  const copy = libc().syscall(SYS_PIDFD_GETFD, BigInt(pidfd), BigInt(fd), 0n, 0n);
  if (copy < 0n) throw lastError('pidfd_getfd', `descriptor ${fd}`);
  return Number(copy);
}

/** Send a signal to the very process that the pidfd was opened for. False when it is gone. Signal 0 only asks. */
export function signalPidfd(fd: number, signalNumber: number): boolean {
  if (libc().syscall(SYS_PIDFD_SEND_SIGNAL, BigInt(fd), BigInt(signalNumber), 0n, 0n) >= 0n) return true;
  return unless('ESRCH', lastError('pidfd_send_signal', `descriptor ${fd}`), false);
}

/**
 * How the process of a pidfd ended, whoever its parent was. The kernel keeps that from the moment the process was reaped.
 * Undefined before, and always on kernels older than 6.15.
 */
export function waitStatusOfPidfd(fd: number): { code?: number; signal?: string } | undefined {
  const info = Buffer.alloc(PIDFD_INFO_SIZE);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT);
  // Older kernels say ENOTTY, EINVAL or, once the process was reaped, ESRCH: nothing to be learnt either way.
  if (libc().ioctl(fd, PIDFD_GET_INFO, info) < 0) return undefined;
  if ((info.readBigUInt64LE() & PIDFD_INFO_EXIT) === 0n) return undefined;
  return decodeWaitStatus(info.readInt32LE(PIDFD_INFO_EXIT_CODE_AT));
}

/** A wait status as wait(2) gives it: exit code in the second byte, or the signal in the low seven bits. */
export function decodeWaitStatus(status: number): { code: number } | { signal: string } {
  const signal = status & 0x7f;
  return signal === 0 ? { code: (status >> 8) & 0xff } : { signal: signalName(signal) };
}

/** An epoll descriptor (close-on-exec): a set of descriptors that one call looks at, however many they are. The caller closes it. */
export function createEpoll(): number {
  const fd = libc().epoll_create1(O_CLOEXEC);
  if (fd < 0) throw lastError('epoll_create1', 'a new set');
  return fd;
}

/** Take a descriptor into the set. It leaves by itself when it is closed. @param events from `EPOLL` */
export function addToEpoll(epoll: number, fd: number, events: number): void {
  const event = Buffer.alloc(EPOLL_EVENT_SIZE);
  event.writeUInt32LE(events);
  event.writeInt32LE(fd, EPOLL_DATA_AT);
  if (libc().epoll_ctl(epoll, EPOLL_CTL_ADD, fd, event) < 0) throw lastError('epoll_ctl', `descriptor ${fd}`);
}

/** The descriptors of the set that are ready now, 64 at most: if there are more, another call may answer others. Does not wait. */
export function readyInEpoll(epoll: number): number[] {
  const events = Buffer.alloc(EPOLL_EVENT_SIZE * mostReady);
  const count = libc().epoll_wait(epoll, events, mostReady, 0);
  if (count < 0) return unless('EINTR', lastError('epoll_wait', `descriptor ${epoll}`), []);
  return Array.from({ length: count }, (_, index) => events.readInt32LE(index * EPOLL_EVENT_SIZE + EPOLL_DATA_AT));
}

/** Another descriptor (close-on-exec, 3 or above) for what `fd` is open on. */
export function duplicateFd(fd: number): number {
  const copy = libc().fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) throw lastError('fcntl', `descriptor ${fd}`);
  return copy;
}

/**
 * Whether anybody has the file open for writing at this moment; undefined where that cannot be told. `fd` is open for reading only.
 * The kernel gives a read lease on a file that nobody writes to; the lease is given back at once.
 */
export function isOpenForWriting(fd: number): boolean | undefined {
  // Should somebody open it in between, we are told by a signal: by one that does no harm instead of SIGIO, which would end us.
  if (libc().fcntl(fd, F_SETSIG, constants.signals.SIGURG) < 0) return undefined;
  if (libc().fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
    return lastError('fcntl', `descriptor ${fd}`).code === 'EAGAIN' || undefined;
  libc().fcntl(fd, F_SETLEASE, F_UNLCK);
  return false;
}

/** Whether a program that this process executes would lose the descriptor. Throws ENOENT when it is not open. */
export function isCloseOnExec(fd: number): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
  return (Number.parseInt(flags ?? '0', 8) & O_CLOEXEC) !== 0;
}

type FFI = typeof ffiTypes;
type Functions = ReturnType<typeof open>['functions'];
let opened: { ffi: FFI; functions: Functions } | undefined;

/** Opened at the first call, so that a process that needs none of this pays nothing. */
function libc(): Functions {
  if (opened) return opened.functions;
  const ffi = process.getBuiltinModule('node:ffi');
  if (!ffi) throw new Error(`this Node (${process.version}) has no node:ffi; hob needs Node 26.1 or later`);
  opened = { ffi, functions: open(ffi).functions };
  return opened.functions;
}

/** The process's own symbols: libc is linked into Node already, whatever its file is called on this system. */
const open = (ffi: FFI) => ffi.dlopen(null, definitions);

/** The error of the call just made. To be asked for right after it. */
function lastError(syscall: string, subject: string): NodeJS.ErrnoException {
  const errno = opened ? opened.ffi.getInt32(opened.functions.__errno_location(), 0) : 0;
  const [code, words] = getSystemErrorMap().get(-errno) ?? [`errno ${errno}`, 'unknown error'];
  return Object.assign(new Error(`${syscall} ${subject}: ${words} (${code})`), { code, errno: -errno, syscall });
}

function unless<T>(code: string, error: NodeJS.ErrnoException, answer: T): T {
  if (error.code === code) return answer;
  throw error;
}

function signalName(signal: number): string {
  const known = Object.entries(constants.signals).find(([, number]) => number === signal);
  return known?.[0] ?? `SIGRTMIN+${signal - FIRST_REALTIME_SIGNAL}`;
}
