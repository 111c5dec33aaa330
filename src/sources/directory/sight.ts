/** Looking at one file, and reading it: without ever opening what is not a regular file, and never half of one. */

import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { longestText } from '../../api/text/decode.ts';
import { isOpenForWriting } from '../../host/libc.ts';
import { codeOf, meansMissing, wordsOf } from '../../host/errors.ts';
import { isHidden, isSpecName, isWithin } from './names.ts';
import { identityOf } from './place.ts';

/** Should a regular file have become a FIFO since it was seen, opening it like this does not wait for a writer. */
const READ_ONLY = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A regular file with a spec's name. */
export interface FileSight {
  readonly kind: 'file';
  /** Changes with every change of content, permissions or owner, and when another file gets the name. */
  readonly stamp: string;
  /** Which file it is, whatever is in it. */
  readonly identity: string;
  readonly bytes: number;
  /** Since anything about it changed, in milliseconds of the system clock: can be off, or negative, when that was set. */
  readonly quietMs: number;
  /** The name is a symbolic link. */
  readonly isLink: boolean;
}

export type Sight =
  | FileSight
  /** There, but never a spec, and why. */
  | { readonly kind: 'odd'; readonly why: string }
  /** Its folder does not let us see what is there, and why. */
  | { readonly kind: 'unseen'; readonly why: string }
  /** A symbolic link to nothing. */
  | { readonly kind: 'dangling' }
  /** A symbolic link to a spec that is in the watched folder under its own name. */
  | { readonly kind: 'alias' }
  | { readonly kind: 'missing' };

/** What is at `name` beneath the folder `real` (a path without links). */
export function look(real: string, name: string): Sight {
  const path = join(real, name);
  let link: BigIntStats;
  try {
    link = lstatSync(path, { bigint: true });
  } catch (error) {
    return meansMissing(error) ? { kind: 'missing' } : { kind: 'unseen', why: whyUnreadable(error) };
  }
  return link.isSymbolicLink() ? lookThrough(real, path) : sightOf(link, false);
}

function lookThrough(real: string, path: string): Sight {
  try {
    return isAlias(real, path) ? { kind: 'alias' } : sightOf(statSync(path, { bigint: true }), true);
  } catch (error) {
    return meansMissing(error) ? { kind: 'dangling' } : { kind: 'odd', why: whyUnreadable(error) };
  }
}

function isAlias(real: string, path: string): boolean {
  const target = realpathSync(path);
  const names = relative(real, target).split('/');
  return isWithin(target, real) && isSpecName(basename(target)) && !names.some(isHidden);
}

function sightOf(stats: BigIntStats, isLink: boolean): Sight {
  if (!stats.isFile()) return { kind: 'odd', why: `is ${kindOf(stats)}; a spec is a regular file` };
  if (stats.size > longestText) return { kind: 'odd', why: tooBig(stats) };
  return {
    kind: 'file',
    stamp: stampOf(stats),
    identity: identityOf(stats),
    bytes: Number(stats.size),
    quietMs: Date.now() - Number(stats.ctimeMs),
    isLink,
  };
}

const tooBig = ({ size }: BigIntStats): string =>
  `has ${size} bytes; a file of specs has at most ${longestText}, so it was not read; split it`;

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/** The time of the last status change is in it because, unlike the one of the last write, nobody can set it back. */
const stampOf = (stats: BigIntStats): string => `${identityOf(stats)}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;

/**
 * Whether nobody has the file open for writing. False too when that cannot be told: the filesystem has no leases, or the file is not ours.
 * Only to be asked of what was seen to be a regular file.
 */
export function isLeftAlone(path: string): boolean {
  let fd: number | undefined;
  try {
    fd = openSync(path, READ_ONLY);
    return isOpenForWriting(fd) === false;
  } catch {
    return false;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * What is in the file that was seen with this stamp, or why that cannot be read.
 * @returns undefined when another file is there by now, or it was changed while it was read
 */
export function readBytes(
  path: string,
  stamp: string,
): { readonly bytes: Buffer } | { readonly why: string } | undefined {
  let fd: number;
  try {
    fd = openSync(path, READ_ONLY);
  } catch (error) {
    return meansMissing(error) ? undefined : { why: whyUnreadable(error) };
  }
  try {
    const bytes = readIfStill(fd, stamp);
    return bytes && { bytes };
  } catch (error) {
    return { why: whyUnreadable(error) };
  } finally {
    closeSync(fd);
  }
}

const whyUnreadable = (error: unknown): string =>
  ['EACCES', 'EPERM'].includes(codeOf(error))
    ? `may not be read by the user hob runs as (${codeOf(error)}); allow it with chmod or chown`
    : `cannot be read: ${wordsOf(error)}`;

function readIfStill(fd: number, stamp: string): Buffer | undefined {
  const before = fstatSync(fd, { bigint: true });
  if (stampOf(before) !== stamp) return undefined;
  const bytes = Buffer.allocUnsafe(Number(before.size));
  for (let at = 0; at < bytes.length;) {
    const count = readSync(fd, bytes, at, bytes.length - at, at);
    if (count === 0) return undefined;
    at += count;
  }
  return stampOf(fstatSync(fd, { bigint: true })) === stamp ? bytes : undefined;
}
