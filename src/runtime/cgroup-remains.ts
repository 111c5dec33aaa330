import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../host/errors.ts';
import { readSmall } from './small-file.ts';

const tryAgainMs = 20;
const mostTries = 250;

/**
 * Remove what is left of a container's cgroups, with the processes in them: crun does that itself, unless it is killed.
 * Only below `parent`: a configuration may name any other cgroup, and crun alone looks after that.
 * @throws Error when a cgroup cannot be removed
 */
export async function removeCgroups(cgroupsPath: string, parent: string, root = '/sys/fs/cgroup'): Promise<void> {
  const path = normalize(`${cgroupsPath}/`);
  // The parent itself, with all containers in it, is nobody's own either.
  if (!path.startsWith(`${parent}/`) || path === `${parent}/`) return;
  for (const hierarchy of hierarchies(root)) {
    const directory = join(hierarchy, cgroupsPath);
    if (existsSync(directory)) await removeCgroup(directory);
  }
}

/** Remove the cgroup that those of all containers were in, where it is empty. Never throws: an empty cgroup costs nobody anything. */
export function removeEmptyParent(parent: string, root = '/sys/fs/cgroup'): void {
  for (const hierarchy of hierarchies(root)) {
    try {
      rmdirSync(join(hierarchy, parent));
    } catch {
      // Not empty, or not there.
    }
  }
}

/** All of them, also the named ones without a controller, which crun uses as well. */
function hierarchies(root: string): string[] {
  if (existsSync(join(root, 'cgroup.procs'))) return [root];
  return subdirectories(root).map((name) => join(root, name));
}

async function removeCgroup(directory: string): Promise<void> {
  for (const name of subdirectories(directory)) await removeCgroup(join(directory, name));
  for (let tries = 1; !isRemoved(directory); tries += 1) {
    const processes = readSmall(join(directory, 'cgroup.procs')).split('\n').filter(Boolean);
    if (tries === mostTries) throw new Error(`cannot remove cgroup ${directory}: in use by ${processes.join(', ')}`);
    for (const pid of processes) killProcess(Number(pid));
    await delay(tryAgainMs);
  }
}

function isRemoved(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY') return false;
    if (code !== 'ENOTEMPTY') throw error;
    // No cgroup: where hob has unmounted the v2 hierarchy, crun makes ordinary files.
    rmSync(join(directory, 'cgroup.procs'));
    return isRemoved(directory);
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}

function subdirectories(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch {
    return [];
  }
}
