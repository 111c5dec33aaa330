import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupParentOf } from '../../src/daemon/configure.ts';
import type { TestHob } from './hob.ts';

/** What is left on the host of a container by this id, each in words; seen from outside, whatever hob says. */
export function remainsOf(hob: TestHob, id: string): string[] {
  const run = join(hob.dir, 'run');
  return [
    ...[join(run, 'crun', id), join(run, 'instances', id), join(hob.dir, 'state/overlays', id)].filter((path) =>
      existsSync(path),
    ),
    ...namesIn(join(run, 'signals')).filter((name) => name.startsWith(`${id}.`)),
    ...processesOf(join(run, 'instances', id)).map((pid) => `process ${pid}`),
    ...mountsIn(hob, join(hob.dir, 'state/overlays', id)),
    ...cgroupsOf(hob, id),
  ];
}

/** Processes that have this among their arguments: the shell, crun, and the hook of a container. */
export function processesOf(argument: string): number[] {
  return namesIn('/proc')
    .filter((name) => /^\d+$/.test(name) && argumentsOf(name).includes(argument))
    .map(Number);
}

/** Every directory of the container's cgroup that has processes in it, or is there at all. */
export const cgroupsOf = (hob: TestHob, id: string): string[] =>
  namesIn('/sys/fs/cgroup')
    .map((name) => join('/sys/fs/cgroup', name, cgroupParentOf(join(hob.dir, 'run')), id))
    .filter((path) => existsSync(path));

const mountsIn = (hob: TestHob, path: string): string[] =>
  readFileSync(`/proc/${hob.pid}/mountinfo`, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${path}/`));

function argumentsOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
