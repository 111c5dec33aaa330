/** Who could change what hob reads. Specs, rootfs directories and plugins are as good as root on this host. */

import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { wordsOf } from './errors.ts';

/** As many as the kernel follows. */
const MAX_LINKS = 40;

type Owners = readonly (number | undefined)[];

/**
 * Whether nobody but root and the user hob runs as can put something else at `path`: it and all directories on the way to it, through
 * symbolic links too, belong to one of them, and neither group nor others may write there. (In a sticky directory like /tmp they can
 * write, but not replace what is ours.)
 * @param alsoOwner one more user whose own files are fine there
 * @returns undefined when it can be trusted; otherwise why not and what cures it
 */
export function assertTrustedPath(path: string, alsoOwner?: number): string | undefined {
  try {
    const owners = [0, process.geteuid?.(), alsoOwner];
    return firstFault(isAbsolute(path) ? path : `${process.cwd()}/${path}`, owners);
  } catch (error) {
    return `cannot tell who may change ${path}: ${wordsOf(error)}`;
  }
}

/** Goes the way as the kernel does, a name at a time: `..` after a link is the parent of the link's target. */
function firstFault(path: string, owners: Owners): string | undefined {
  const ahead = ['.', ...namesOf(path)];
  let at = '/';
  for (let links = 0; ahead.length > 0;) {
    const next = join(at, ahead.shift() ?? '');
    const stats = lstatSync(next);
    const fault = faultOnTheWay(next, stats, owners);
    if (fault !== undefined) return fault;
    if (!stats.isSymbolicLink()) at = next;
    else if (++links > MAX_LINKS) throw new Error('too many symbolic links on the way');
    else at = follow(next, at, ahead);
  }
  return foreignWriter(at, lstatSync(at));
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

/** Puts the link's target before what lies ahead, and says where to go on from. */
function follow(link: string, at: string, ahead: string[]): string {
  const target = readlinkSync(link);
  ahead.unshift(...namesOf(target));
  return isAbsolute(target) ? '/' : at;
}

function faultOnTheWay(path: string, stats: Stats, owners: Owners): string | undefined {
  const fault = foreignOwner(path, stats, owners);
  const isSticky = stats.isDirectory() && (stats.mode & 0o1000) !== 0;
  return fault ?? (stats.isSymbolicLink() || isSticky ? undefined : foreignWriter(path, stats));
}

function foreignOwner(path: string, { uid, mode }: Stats, owners: Owners): string | undefined {
  if (owners.includes(uid)) return undefined;
  return `${path} belongs to user ${uid} (mode ${octal(mode)}), who could change what hob does; if you trust it: chown -h root ${quoted(path)}`;
}

function foreignWriter(path: string, { uid, gid, mode }: Stats): string | undefined {
  if ((mode & 0o022) === 0) return undefined;
  const writers = (mode & 0o002) !== 0 ? 'everybody' : `group ${gid}`;
  return `${path} can be written by ${writers} (owner ${uid}, mode ${octal(mode)}), who could change what hob does; cure: chmod go-w ${quoted(path)}`;
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

const quoted = (path: string): string => (/^[\w./@%+=:,-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
