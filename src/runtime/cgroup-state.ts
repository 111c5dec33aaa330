import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupPaths, type CgroupLayout } from '../host/cgroups.ts';
import { readSmall } from './small-file.ts';

/** Whether there is such a cgroup. A container's is in every hierarchy, so one look is enough. */
export function hasCgroup(cgroupsPath: string, layout: CgroupLayout): boolean {
  const [directory] = cgroupPaths(cgroupsPath, layout).values();
  return directory !== undefined && existsSync(directory);
}

/** Whether the container's processes are held still, or are about to be. */
export function isFrozen(cgroupsPath: string, layout: CgroupLayout): boolean {
  const directory = cgroupPaths(cgroupsPath, layout).get('freezer');
  if (directory === undefined) return false;
  const v1 = readSmall(join(directory, 'freezer.state')).trim();
  return v1 === 'FROZEN' || v1 === 'FREEZING' || readSmall(join(directory, 'cgroup.freeze')).trim() === '1';
}
