import { closeSync } from 'node:fs';
import { posix } from 'node:path';

/** A mount as an OCI configuration has it. */
export type AddedMount = {
  readonly source: string;
  /** Absolute path in the container. */
  readonly destination: string;
  readonly type: string;
  /** OCI mount options. */
  readonly options: readonly string[];
};

/** What one plugin adds to a container. Its file descriptors are in the `FdTable` of the start. */
export interface PluginAdditions {
  /** `NAME=value` */
  readonly env: readonly string[];
  readonly mounts: readonly AddedMount[];
}

/** What a container has by somebody other than a plugin. */
export interface GivenParts extends PluginAdditions {
  /** As words for people: `the spec`. */
  readonly by: string;
}

/** What all plugins together add to a container. Plain data. */
export interface StartStateAdditions {
  /** `NAME=value`, each name once. */
  readonly env: string[];
  /** Each destination once. */
  readonly mounts: AddedMount[];
  /** Become 3, 4, ... in the container. Whoever has these additions closes them. */
  readonly fds: AddedFd[];
}

/** A descriptor of this process for a container. */
export interface AddedFd {
  readonly fd: number;
  /** Somebody is to keep what it is open on until the container is destroyed. */
  readonly hold: boolean;
}

/** Close the descriptors of additions that no container will get. */
export function discardFds(fds: readonly AddedFd[]): void {
  for (const { fd } of fds) {
    try {
      closeSync(fd);
    } catch {
      // Closed already: nothing is left to let go of.
    }
  }
}

/** Why an assignment cannot go into an environment; undefined when it can. */
export function assignmentFault(assignment: unknown): string | undefined {
  if (typeof assignment !== 'string') return `an environment variable must be a string, not ${typeof assignment}`;
  if (assignment.indexOf('=') < 1) return `"${assignment}" is not of the form NAME=value`;
  return assignment.includes('\0') ? `${nameOf(assignment)} has a NUL character in it` : undefined;
}

/** Why a mount cannot be made in a container; undefined when it can. */
export function mountFault({ source, destination, type, options }: AddedMount): string | undefined {
  const texts = [source, destination, type, ...options];
  if (texts.some((text) => typeof text !== 'string' || text.includes('\0')))
    return 'source, destination, type and options of a mount must be strings without a NUL character';
  if (source === '') return `the mount at "${destination}" has no source (for a tmpfs: "tmpfs")`;
  if (!destination.startsWith('/')) return `the mount's destination "${destination}" is not an absolute path`;
  if (destination.split('/').includes('..')) return `the mount's destination "${destination}" has ".." in it`;
  return posix.normalize(destination) === '/' ? 'nothing can be mounted on "/": that is the rootfs' : undefined;
}

/** The name of a `NAME=value`. */
export const nameOf = (assignment: string): string => assignment.slice(0, assignment.indexOf('='));

/** `/run//x/` and `/run/x` are the same place. */
export const placeOf = (destination: string): string => posix.normalize(destination).replace(/(?<=.)\/$/, '');
