/** An overlay for one instance: DIRECTORY/upper takes the writes, DIRECTORY/merged is what the container sees. */

import { chmodSync, chownSync, mkdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf, wordsOf } from '../host/errors.ts';
import { mount, unmount } from '../host/libc.ts';
import { cureForNoRoom } from '../host/room.ts';
import { RootfsError } from './rootfs-error.ts';

/** The kernel takes one page of options and cuts off the rest without a word. */
const MAX_OPTION_BYTES = 4095;
const BUSY_PAUSES_MS = [10, 40, 150];

/** Whether something is mounted at `path`; the table of mounts, which grows with every container, is not read for it. */
export function isMounted(path: string): boolean {
  const here = statSync(path, { throwIfNoEntry: false });
  return here !== undefined && here.dev !== statSync(dirname(path)).dev;
}

/**
 * Mount an overlay on `lower` at DIRECTORY/merged. What an earlier attempt left in DIRECTORY is used again.
 * @param mode of DIRECTORY and of the one it is in, when they have to be made
 * @throws RootfsError
 */
export function mountOverlay(lower: string, directory: string, mode: number): void {
  try {
    makeDirectories(lower, directory, mode);
    mount({
      source: 'overlay',
      target: join(directory, 'merged'),
      type: 'overlay',
      data: optionsFor(lower, directory),
    });
  } catch (error) {
    throw error instanceof RootfsError ? error : explained(error, lower, directory);
  }
}

/** Unmount `path`. When somebody is still in there after a moment, it leaves the tree at once and ends with its last user. */
export async function unmountPatiently(path: string): Promise<void> {
  for (const pause of BUSY_PAUSES_MS) {
    if (unmountUnlessBusy(path)) return;
    await sleep(pause);
  }
  unmount(path, { detach: true });
}

function unmountUnlessBusy(path: string): boolean {
  try {
    unmount(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EBUSY') return false;
    throw error;
  }
}

function makeDirectories(lower: string, directory: string, mode: number): void {
  mkdirSync(directory, { recursive: true, mode });
  for (const name of ['merged', 'upper']) mkdirSync(join(directory, name), { recursive: true });
  copyOwnership(lower, join(directory, 'upper'));
  // A volatile overlay that was not unmounted (the host went down) leaves a mark in here, with which the kernel refuses it.
  rmSync(join(directory, 'work'), { recursive: true, force: true });
  mkdirSync(join(directory, 'work'));
}

/** The container's `/` has the owner and mode of `upper`. */
function copyOwnership(from: string, to: string): void {
  const { uid, gid, mode } = statSync(from);
  chownSync(to, uid, gid);
  chmodSync(to, mode & 0o7777);
}

/**
 * volatile: nothing waits for the disk on behalf of an overlay, not the container's fsync and not our unmount, which would write out
 * all of the disk's cache. What is written lives no longer than the instance, and no instance outlives the host's boot.
 */
function optionsFor(lower: string, directory: string): string {
  const { upper, work } = { upper: join(directory, 'upper'), work: join(directory, 'work') };
  const options = `lowerdir=${escaped(lower)},upperdir=${escaped(upper)},workdir=${escaped(work)},volatile`;
  if (Buffer.byteLength(options) <= MAX_OPTION_BYTES) return options;
  throw new RootfsError(
    'OverlayFailed',
    `the paths for an overlay on ${lower} are too long for the kernel; use shorter ones`,
  );
}

/** In overlay options a comma ends an option, a colon ends a directory, and a backslash takes that meaning from the next character. */
const escaped = (path: string): string => path.replace(/[\\,:]/g, '\\$&');

const SAY_READ_ONLY = 'or set readOnlyRootfs: true';
/** Those that come up in practice and cannot carry an overlay, by their magic numbers. */
const UNFIT_FILESYSTEMS = new Map([
  [0x794c7630, 'overlayfs'],
  [0x6969, 'nfs'],
  [0x65735546, 'fuse'],
  [0x4d44, 'vfat'],
]);

function explained(cause: unknown, lower: string, directory: string): RootfsError {
  const room = cureForNoRoom(cause, directory);
  const words = `${wordsOf(cause)}${room === undefined ? '' : `; ${room}`}`;
  const cure = cureFor(codeOf(cause), lower, directory);
  const message = `cannot make rootfs.path ${lower} writable by an overlay in ${directory}: ${words}`;
  return cure === undefined
    ? new RootfsError('OverlayFailed', message, { cause })
    : new RootfsError('OverlayUnsupported', `${message}; ${cure}, ${SAY_READ_ONLY}`, { cause });
}

function cureFor(code: string, lower: string, directory: string): string | undefined {
  if (code === 'ENODEV') return 'this kernel has no overlay filesystem: modprobe overlay';
  if (code === 'EPERM') return 'mounting is not allowed here: run hob as root with CAP_SYS_ADMIN';
  if (code !== 'EINVAL') return undefined;
  const [above, below] = [unfitFilesystemOf(dirname(directory)), unfitFilesystemOf(lower)];
  if (above !== undefined)
    return `the state directory is on ${above}, which cannot carry an overlay: put it on ext4, xfs, btrfs or tmpfs (--state-dir)`;
  if (below === 'overlayfs') return 'the rootfs itself is on as many overlays as the kernel allows: copy it elsewhere';
  return 'the kernel log (dmesg) says why';
}

/** The name of the filesystem that a path is on, when it is one that cannot carry an overlay. Throws when the path is not there. */
export const unfitFilesystemOf = (path: string): string | undefined => UNFIT_FILESYSTEMS.get(statfsSync(path).type);
