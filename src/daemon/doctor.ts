import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { detectCgroups } from '../host/cgroups.ts';
import { wordsOf } from '../host/errors.ts';
import { judgeCgroups } from './doctor/cgroups.ts';
import { crun } from './doctor/crun.ts';
import { diskSpace, nearestThere, ownDirectory, socketPath } from './doctor/directories.ts';
import { problem, type Finding } from './doctor/finding.ts';
import { inotify, kernel, kernelLog, overlay } from './doctor/kernel.ts';
import { privileges } from './doctor/privileges.ts';
import { namespaceTools, node, seccompProfile } from './doctor/programs.ts';
import { unfitFilesystemOf } from '../rootfs/overlay.ts';
import { placesIn } from './options.ts';

export type { Finding };

/** What to look at. Paths are absolute. */
export interface DiagnoseOptions {
  readonly stateDir: string;
  readonly runDir: string;
  /** A path, or what to look for in PATH. */
  readonly crun?: string;
}

const seccompProfilePath = '/usr/share/containers/seccomp.json';

/**
 * Is this host fit for hob? One finding a check, in the order in which to mend what is wrong. Changes nothing on the host and starts
 * nothing but `crun --version`. Never rejects: a check that cannot be made is a finding.
 */
export async function diagnose({ stateDir, runDir, crun: name = 'crun' }: DiagnoseOptions): Promise<Finding[]> {
  const checks: readonly [string, () => Finding | Promise<Finding>][] = [
    ['privileges', () => privileges(process.geteuid?.(), readFileSync('/proc/self/status', 'latin1'))],
    ['node', () => node(process.version, process.execPath)],
    ['crun', () => crun(name)],
    ['kernel', () => kernel(release())],
    ['cgroups', () => judgeCgroups(detectCgroups())],
    ['overlay', () => overlay(...overlayFacts(stateDir))],
    ['seccomp', () => seccompProfile(seccompProfilePath)],
    ['state directory', () => ownDirectory('state directory', stateDir)],
    ['run directory', () => ownDirectory('run directory', runDir)],
    ['socket', () => socketPath(runDir, placesIn({ stateDir, runDir }).socket)],
    ['disk space', () => diskSpace(stateDir)],
    ['inotify', () => inotify()],
    ['kernel log', () => kernelLog()],
    ['util-linux', () => namespaceTools()],
  ];
  return Promise.all(checks.map(([check, look]) => attempt(check, look)));
}

const overlayFacts = (stateDir: string) =>
  [
    readFileSync('/proc/filesystems', 'latin1'),
    `/lib/modules/${release()}`,
    unfitFilesystemOf(nearestThere(stateDir)),
  ] as const;

async function attempt(check: string, look: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    return problem(check, `cannot be told: ${wordsOf(error)}`, 'see to it that /proc and /sys are mounted');
  }
}
