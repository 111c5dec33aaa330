/**
 * Making things in /tmp fit to be mounted into a container: they belong to root and the group of the DRM, and are what they are meant to
 * be. Everybody can write to /tmp, so somebody may have put something else there, or may replace it while we look: what is there is
 * opened first, without following links, and only what is open is looked at and changed. What belongs to root nobody else can replace,
 * as /tmp is sticky.
 *
 * All throw an Error with words for people when it cannot be had.
 */

import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  type Stats,
} from 'node:fs';

/** The group that the DRM and its clients are in. */
const GROUP = 30000;
const ROOT = 0;
/** Opens anything, a socket too, for looking at and for nothing else. Node has no name for it. */
const O_PATH = 0o10000000;

/** Make the file where there is none. One that is there stays as it is, and has to be root's. */
export function adoptFile(path: string): void {
  if (isMade(() => createFile(path))) return;
  withOpened(path, (_fd, stats) => {
    assertKind(stats.isFile(), stats, 'a file');
    assertOneName(stats);
    assertOfRoot(path, stats);
  });
}

/** The socket is the DRM's to make, and has to be root's. */
export function adoptSocket(path: string): void {
  withOpened(path, (fd, stats) => {
    assertKind(stats.isSocket(), stats, 'a socket');
    assertOneName(stats);
    assertOfRoot(path, stats);
    give(fd, 0o760);
  });
}

/** Make the directory where there is none. */
export function adoptDirectory(path: string): void {
  isMade(() => mkdirSync(path, 0o770));
  withOpened(path, (fd, stats) => {
    assertKind(stats.isDirectory(), stats, 'a directory');
    give(fd, 0o770);
    assertStillThere(path, stats);
  });
}

/** Fails where there is anything, a dangling link too. */
function createFile(path: string): void {
  const fd = openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600);
  try {
    fchownSync(fd, ROOT, GROUP);
    fchmodSync(fd, 0o660);
  } finally {
    closeSync(fd);
  }
}

/** False when there is something already. */
function isMade(make: () => void): boolean {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

function withOpened(path: string, use: (fd: number, stats: Stats) => void): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    throw new Error('it is not there; is the DRM of this host running?');
  const fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
  try {
    use(fd, fstatSync(fd));
  } finally {
    closeSync(fd);
  }
}

/** By its name under /proc, as a descriptor like ours cannot be changed by; it leads to the very thing that is open. */
function give(fd: number, mode: number): void {
  chownSync(`/proc/self/fd/${fd}`, ROOT, GROUP);
  chmodSync(`/proc/self/fd/${fd}`, mode);
}

function assertKind(isIt: boolean, stats: Stats, expected: string): void {
  if (isIt) return;
  const found = stats.isSymbolicLink() ? 'a symbolic link, which is not followed' : 'something else';
  throw new Error(`it has to be ${expected}, and is ${found}; somebody may have put it there on purpose`);
}

/** A hard link could be to anything of this filesystem, whoever it belongs to. */
function assertOneName({ nlink }: Stats): void {
  if (nlink !== 1) throw new Error(`it has ${nlink} names (hard links); somebody may have put it there on purpose`);
}

/** Anybody else's could be replaced; and who serves a socket must be the DRM, not just anybody. */
function assertOfRoot(path: string, { uid }: Stats): void {
  if (uid !== ROOT)
    throw new Error(`it belongs to user ${uid}, who could put something else there; cure: chown root ${path}`);
}

/** Now that it is root's, nobody can replace it any more; before, its owner could. */
function assertStillThere(path: string, { dev, ino }: Stats): void {
  const now = lstatSync(path);
  if (now.dev !== dev || now.ino !== ino) throw new Error('it was replaced by something else at this moment');
}
