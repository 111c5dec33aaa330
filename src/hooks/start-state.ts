import { closeSync } from 'node:fs';
import { inspect } from 'node:util';
import { wordsOf } from '../host/errors.ts';
import { duplicateFd, isCloseOnExec } from '../host/libc.ts';
import { type AddedMount, assignmentFault, mountFault, type PluginAdditions } from './start-state/additions.ts';
import { bindSourceFault } from './start-state/bind-source.ts';
import { type FdTable, MAX_FDS, recordFd, recordedFds } from './start-state/fd-table.ts';
import { MountFlags, mountOptions } from './start-state/mount-flags.ts';
import type { StartState } from './plugin.ts';

/** The start state that one postConstruction call gets, and what it has collected. */
export interface CollectingStartState extends StartState {
  /** No more is taken after this: the call is over. */
  finish(): PluginAdditions;
}

/** @param complain told in words why something was not taken; the plugin itself only gets -1 or false */
export function createStartState(table: FdTable, complain: (why: string) => void): CollectingStartState {
  const env: string[] = [];
  const mounts: AddedMount[] = [];
  let isOver = false;

  const refused = (fault: string | undefined): boolean => {
    const why = isOver ? 'the start state was used after its postConstruction call had ended' : fault;
    if (why !== undefined) complain(why);
    return why !== undefined;
  };

  return {
    addFileDescriptor(pluginName, fd, { hold = false } = {}) {
      if (refused(fdFault(pluginName, fd))) return -1;
      const copy = tryDuplicate(fd, complain);
      if (copy === undefined) return -1;
      const number = recordFd(table, pluginName, { fd: copy, hold });
      if (number !== undefined) return number;
      closeSync(copy);
      complain(`a container gets ${MAX_FDS} file descriptors at most`);
      return -1;
    },
    addEnvironmentVariable(assignment) {
      if (refused(assignmentFault(assignment))) return false;
      env.push(assignment);
      return true;
    },
    addMount(source, target, fsType, flags = 0, options = []) {
      if (refused(optionsFault(target, flags, options))) return false;
      const translated = mountOptions(options, flags);
      const mount = { source, destination: target, type: typeFor(fsType, flags), options: translated.options };
      if (refused(mountFault(mount) ?? bindSourceFault(mount))) return false;
      if (translated.leftOver !== 0) complain(leftOverMessage(target, translated.leftOver));
      mounts.push(mount);
      return true;
    },
    files: (pluginName) => recordedFds(table, pluginName).map(({ fd }) => fd),
    finish() {
      isOver = true;
      return { env, mounts };
    },
  };
}

/** A plugin may be JavaScript, and hand over anything. */
function fdFault(pluginName: unknown, fd: number): string | undefined {
  if (typeof pluginName !== 'string')
    return `a file descriptor is recorded under a name, not under ${typeof pluginName}`;
  if (!Number.isInteger(fd)) return `a file descriptor is a number, not ${inspect(fd)}`;
  try {
    if (isCloseOnExec(fd)) return undefined;
    return `file descriptor ${fd} is not close-on-exec, so it would leak into every process that is started`;
  } catch {
    return `file descriptor ${fd} is not open`;
  }
}

/** Taken for what they are not, a text would be options of a letter each, and other flags none. */
function optionsFault(target: unknown, flags: unknown, options: unknown): string | undefined {
  const what = `the mount at ${inspect(target)}`;
  if (!Number.isInteger(flags)) return `${what} has flags that are no number made of MountFlags: ${inspect(flags)}`;
  return Array.isArray(options) ? undefined : `${what} has options that are no list of strings: ${inspect(options)}`;
}

function tryDuplicate(fd: number, complain: (why: string) => void): number | undefined {
  try {
    return duplicateFd(fd);
  } catch (error) {
    complain(`file descriptor ${fd} cannot be copied: ${wordsOf(error)}`);
    return undefined;
  }
}

/** A bind mount has no filesystem type of its own; crun wants to read "bind". */
const typeFor = (fsType: string, flags: number): string =>
  fsType === '' && flags & MountFlags.MS_BIND ? 'bind' : fsType;

const leftOverMessage = (target: string, bits: number): string =>
  `the mount at ${target} has flags that no OCI mount option stands for; they are ignored: 0x${bits.toString(16)}`;
