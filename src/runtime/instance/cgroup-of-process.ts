import { normalize } from 'node:path';
import { readSmall } from '../small-file.ts';

/** Where a process is, in each hierarchy. */
const cgroupsOf = (pid: number): string[] =>
  readSmall(`/proc/${pid}/cgroup`)
    .split('\n')
    .flatMap((line) => line.split(':').slice(2).join(':') || []);

const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`);

/** Whether the process is in this cgroup, or below it. The root, where all processes are below, is no answer. */
export function isInCgroup(pid: number, cgroupsPath: string): boolean {
  const own = normalize(`/${cgroupsPath}/`).slice(0, -1);
  return own !== '' && cgroupsOf(pid).some((path) => isBelow(path, own));
}

/** The cgroup of the container that the process is the init of: the usual one, unless its configuration names another. */
export function cgroupsPathOfProcess(pid: number, usual: string): string {
  const paths = cgroupsOf(pid);
  return paths.some((path) => isBelow(path, usual)) ? usual : (paths.find((path) => path !== '/') ?? usual);
}
