/**
 * A mount namespace for hob on hosts where crun would refuse to start anything (hybrid cgroups).
 *
 * hob leaves the host's namespace for a copy of it without the v2 cgroup mount, where crun sees plain v1. The keeper and the containers
 * are started in there, and with them the namespace and hob's overlay mounts outlive hob: the next hob joins them. Nothing else
 * holds the namespace, so it goes with the last process that needs it.
 *
 * Only the calling thread can change its namespace, and Node has others that read files, so the process executes itself again.
 *
 * What is mounted on the host later is seen in the namespace only where the host's mounts are shared, as systemd makes them.
 */

import { openSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { detectCgroups } from './cgroups.ts';
import { wordsOf } from './errors.ts';
import { joinMountNamespace, mount, MS, unmount, unshareMountNamespace } from './libc.ts';
import { holdersOf, namespaceOf } from './namespace-holders.ts';

export interface NamespaceEntry {
  /** unneeded: crun is content here. entered: the process has changed over. impossible: crun will refuse to start containers. */
  readonly kind: 'unneeded' | 'entered' | 'impossible';
  /** What was done and why, for the log. */
  readonly sentence?: string;
}

/** Carries through the execve which process did it, and what there is to say about it. */
const MARKER = 'HOB_MOUNT_NAMESPACE';

/**
 * Where the host needs it, move this process into a fitting mount namespace: the one in which an earlier hob of this run
 * directory left its keeper or its containers, or else a new one. To be called before anything else is done: the process starts
 * anew (same pid, same arguments; of its descriptors only 0, 1 and 2 stay open) and comes back here to get `entered`. Never throws.
 */
export function enterMountNamespaceIfNeeded(runDir: string): NamespaceEntry {
  const done = takeMarker();
  const { crunRefuses, unified } = detectCgroups();
  if (!crunRefuses || unified === undefined) return done ? { kind: 'entered', sentence: done } : { kind: 'unneeded' };
  const problem = done ? 'it is there again' : changeOver(resolve(runDir), unified);
  return {
    kind: 'impossible',
    sentence: `${needFor(unified)}, and hob cannot leave that mount behind: ${problem}; ${CURE}`,
  };
}

const needFor = (unified: string) => `crun refuses hosts with controllers on both cgroup v1 and v2 (${unified})`;
const CURE = 'run hob as root with CAP_SYS_ADMIN, or boot the host with systemd.unified_cgroup_hierarchy=1';

/** A marker of another process is stale: children inherit the environment. */
function takeMarker(): string | undefined {
  const [, pid, sentence] = /^(\d+) (.*)$/.exec(process.env[MARKER] ?? '') ?? [];
  delete process.env[MARKER];
  return Number(pid) === process.pid ? sentence : undefined;
}

/** Returns only when it failed, with this thread where it was, and says why. */
function changeOver(runDir: string, unified: string): string {
  const back = rememberPlace();
  try {
    const holder = holdersOf(runDir).find((pid) => joinNamespaceOf(pid, back));
    if (holder === undefined) makeNamespaceWithout(unified);
    const which = holder === undefined ? 'a new one' : `the one that an earlier hob left with process ${holder}`;
    startAgain(`${needFor(unified)}, so hob runs in a mount namespace without the latter: ${which}`);
  } catch (error) {
    back();
    return wordsOf(error);
  }
  return 'this thread cannot execute a program';
}

function makeNamespaceWithout(unified: string): void {
  unshareMountNamespace();
  // Before the unmount: where mounts are shared, it would reach the host.
  mount({ target: '/', flags: MS.REC | MS.SLAVE });
  unmount(unified, { detach: true });
}

/** False, and nothing changed, when this program cannot be started again in there. */
function joinNamespaceOf(pid: number, back: () => void): boolean {
  const program = identityOfProgram();
  try {
    enter(openSync(`/proc/${pid}/ns/mnt`, 'r'), process.cwd());
    if (identityOfProgram() === program) return true;
  } catch {
    // Gone meanwhile, or the working directory is not in there.
  }
  back();
  return false;
}

/** Other mounts may show other files under the same names. */
const identityOfProgram = () =>
  [process.execPath, process.argv[1] ?? '/']
    .map((path) => statSync(path))
    .map(({ dev, ino }) => `${dev}:${ino}`)
    .join();

function rememberPlace(): () => void {
  const namespace = openSync('/proc/self/ns/mnt', 'r');
  const [name, directory] = [namespaceOf('self', 'mnt'), process.cwd()];
  return () => {
    if (namespaceOf('self', 'mnt') !== name) enter(namespace, directory);
  };
}

function enter(namespace: number, directory: string): void {
  joinMountNamespace(namespace);
  process.chdir(directory);
}

/**
 * Execute this program again, in the namespace where it is. Does not return but by an error, or in a worker thread, where there is no execve.
 * @param sentence what there is to say about the namespace, when it is one of our own
 */
export function startAgain(sentence?: string): void {
  const env = { ...process.env, ...(sentence && { [MARKER]: `${process.pid} ${sentence}` }) };
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], env);
}
