/** Where the watched path leads right now. */

import { lstatSync, statSync, type BigIntStats, type Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { codeOf, wordsOf } from '../../host/errors.ts';

/** A folder, told apart from another one at the same path. */
export interface Place {
  /** The path without symbolic links. */
  readonly real: string;
  readonly identity: string;
  /** The filesystem it is on. */
  readonly device: bigint;
}

export const placeOf = (real: string, stats: BigIntStats): Place => ({
  real,
  identity: identityOf(stats),
  device: stats.dev,
});

/**
 * Resolve the path once, so that one look sees one revision. Asynchronous on purpose: where a network filesystem does not answer, it is
 * here that the source waits, and the rest of hob does not.
 * @returns the place, or why it cannot be read
 */
export async function locate(path: string): Promise<Place | { readonly why: string }> {
  try {
    const real = await realpath(path);
    const stats = await stat(real, { bigint: true });
    if (!stats.isDirectory()) return { why: `${path} is not a folder; put a folder of specs there` };
    return placeOf(real, stats);
  } catch (error) {
    return { why: whyNot(path, error) };
  }
}

/** Whether nothing but the content can have changed from one to the other. No place at all is the same as one that cannot be read. */
export function isSamePlace(one: Place | { readonly why: string } | undefined, other: Place | undefined): boolean {
  if (!one || 'why' in one) return other === undefined;
  return one.real === other?.real && one.identity === other.identity;
}

/** The time of birth is part of it because a filesystem may give a new folder the inode number of one that was just removed. */
export const identityOf = (stats: BigIntStats): string => `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;

/** For people: what keeps a folder from being read, and what to do. */
export function whyNot(folder: string, error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return `${folder} is not there; make it or mount it, and hob goes on by itself`;
    case 'ENOTDIR':
      return `${folder} is not a folder; put a folder of specs there`;
    case 'EACCES':
    case 'EPERM':
      return `${folder} may not be read by the user hob runs as (${wordsOf(error)}); allow it with chmod or chown`;
    default:
      return `${folder} cannot be read: ${wordsOf(error)}`;
  }
}

/** The identity of what is there, behind links; undefined when nothing is, or it cannot be told. */
export function identityAt(path: string): string | undefined {
  try {
    return identityOf(statSync(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

/** What has that name (a link itself, not its target); undefined when nothing has, or it cannot be told. */
export function lstatOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
