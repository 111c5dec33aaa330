import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { wordsOf } from '../../host/errors.ts';
import { assertTrustedPath } from '../../host/trust.ts';
import { fine, problem, warning, type Finding } from './finding.ts';

/** What hob keeps its own things in. `check` is `state directory` or `run directory`. */
export function ownDirectory(check: string, path: string): Finding {
  const there = nearestThere(path);
  try {
    if (!statSync(there).isDirectory()) return problem(check, `${there} is no directory`, 'move it out of the way');
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    return problem(
      check,
      wordsOf(error),
      `make ${there} writable for hob, or choose another directory (hob run --help)`,
    );
  }
  const fault = assertTrustedPath(there);
  if (fault !== undefined) return problem(check, fault, 'take the right to write from others, as said');
  return fine(check, there === path ? path : `${path}, which hob makes when it starts`);
}

/** A Unix socket's path has 107 bytes at most. The longest that hob makes in its run directory is for its API. */
export function socketPath(runDir: string, socket: string): Finding {
  const length = Buffer.byteLength(socket);
  if (length <= 107) return fine('socket', socket);
  return problem(
    'socket',
    `${runDir} is too long: a socket in it would have ${length} bytes, of 107`,
    'use a shorter --run-dir',
  );
}

const mebibyte = 2 ** 20;
const scarce = { bytes: 500 * mebibyte, files: 10_000 };
const exhausted = { bytes: 20 * mebibyte, files: 100 };

/** Room for the journal, logs and what containers write, on the filesystem of `path`. */
export function diskSpace(path: string): Finding {
  const { bavail, bsize, files, ffree } = statfsSync(nearestThere(path));
  // Some filesystems (btrfs) have no fixed number of files.
  return judgeSpace(path, { bytes: bavail * bsize, files: files === 0 ? Infinity : ffree });
}

export function judgeSpace(path: string, free: { bytes: number; files: number }): Finding {
  const found = `${Math.floor(free.bytes / mebibyte)} MiB free for ${path}${free.files < scarce.files ? ` and room for ${free.files} more files` : ''}`;
  const isBelow = (limit: typeof free): boolean => free.bytes < limit.bytes || free.files < limit.files;
  const cure = 'make room: a full disk stops hob from starting anything (what runs goes on)';
  if (isBelow(exhausted)) return problem('disk space', found, cure);
  return isBelow(scarce) ? warning('disk space', found, cure) : fine('disk space', found);
}

/** The path itself, or the nearest directory above it that is there. */
export function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}
