import { closeSync, statSync } from 'node:fs';
import { copyDescriptor, openPidfd } from './libc.ts';
import type { Descriptors } from './protocol.ts';

/** Descriptors of this process, close-on-exec, for what another process has open. Whoever has them closes them. */
export interface Copies {
  readonly stdin?: number;
  /** In the order they were asked for; the same one twice gives two. */
  readonly fds: readonly number[];
}

/**
 * Copy descriptors of another process: all of them, or none and throw with the system's code: ESRCH (it has ended), EBADF (not open there), EMFILE,
 * EPERM (not allowed on this host), ENOSYS (Linux before 5.6).
 *
 * Nothing here proves that it is the client's own process: the socket is for this user alone, and what the copies go to runs as this user. So
 * it is enough that the process belongs to this user as well: root's keeper takes nothing of anybody else's, should a pid be another's by now.
 */
export function copyDescriptors({ pid, stdin, fds }: Descriptors): Copies {
  const pidfd = open(pid);
  const copied: number[] = [];
  const copy = (fd: number): number => {
    const ours = explained(`descriptor ${fd} of process ${pid} cannot be had`, () => copyDescriptor(pidfd, fd));
    copied.push(ours);
    return ours;
  };
  try {
    return { ...(stdin !== undefined && { stdin: copy(stdin) }), fds: fds.map(copy) };
  } catch (error) {
    closeAll(copied);
    throw error;
  } finally {
    closeSync(pidfd);
  }
}

/** A pidfd. Held before anything is asked about the process, so that its pid goes to nobody else meanwhile. */
function open(pid: number): number {
  const pidfd = explained(`process ${pid} cannot be asked for descriptors`, () => openPidfd(pid));
  if (ownerOf(pid) === process.geteuid?.()) return pidfd;
  closeSync(pidfd);
  throw Object.assign(new Error(`process ${pid} is another user's; no descriptors are taken from it`), {
    code: 'EPERM',
  });
}

const ownerOf = (pid: number): number | undefined => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid;

export function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}

/** What the system's codes mean here, and what to do about them. */
const causes: Readonly<Record<string, string>> = {
  ESRCH: 'it has ended',
  EBADF: 'it is not open there',
  EMFILE: 'too many files are open in the keeper',
  EPERM:
    'this host does not allow it (pidfd_getfd); allow hob ptrace: kernel.yama.ptrace_scope, CAP_SYS_PTRACE, and the seccomp profile that hob runs under',
  ENOSYS: 'pidfd_getfd is missing here: it needs Linux 5.6, and a seccomp profile that lets it through',
};

function explained(what: string, call: () => number): number {
  try {
    return call();
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw Object.assign(new Error(`${what}: ${causes[code] ?? message}`, { cause: error }), { code });
  }
}
