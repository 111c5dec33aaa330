import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';

/** hob's cgroup parent in one hierarchy. */
export interface Parent {
  readonly path: string;
  /** Or a plain folder: crun makes those, with plain files in them, where the v2 hierarchy was unmounted. */
  readonly isCgroup: boolean;
}

/** Where there is something of hob's cgroup parent, in all hierarchies. */
export function parentsIn(cgroupParent: string): Parent[] {
  const hierarchies = existsSync(join(root, 'cgroup.procs')) ? [root] : foldersIn(root).map((name) => join(root, name));
  return hierarchies.flatMap((hierarchy) => {
    const path = join(hierarchy, cgroupParent);
    return existsSync(path) ? [{ path, isCgroup: existsSync(join(hierarchy, 'cgroup.procs')) }] : [];
  });
}

/** Names of the folders in a folder; none where it is not there. */
export function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? entry.name : []));
  } catch {
    return [];
  }
}

/** The processes of a cgroup and of those below it; none where it is gone. */
export function processesOf(cgroup: string): number[] {
  const below = foldersIn(cgroup).flatMap((name) => processesOf(join(cgroup, name)));
  return [...below, ...readOr('', join(cgroup, 'cgroup.procs')).split('\n').filter(Boolean).map(Number)];
}

/** Let its processes go on, so that they can be ended. */
export function thaw(cgroup: string): void {
  for (const name of foldersIn(cgroup)) thaw(join(cgroup, name));
  if (readOr('THAWED', join(cgroup, 'freezer.state')).trim() !== 'THAWED')
    writeFileSync(join(cgroup, 'freezer.state'), 'THAWED');
  if (readOr('0', join(cgroup, 'cgroup.freeze')).trim() !== '0') writeFileSync(join(cgroup, 'cgroup.freeze'), '0');
}

/** Remove it and all below. False when it is still in use. */
export function removeCgroup(path: string): boolean {
  const below = foldersIn(path).map((name) => removeCgroup(join(path, name)));
  if (below.includes(false)) return false;
  try {
    rmdirSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EBUSY') return false;
    // No cgroup, but the plain folder that crun makes where v2 was unmounted.
    if (code === 'ENOTEMPTY') rmSync(path, { recursive: true });
  }
  return true;
}

/** The text of a file, or something else where it cannot be read. */
export function readOr(otherwise: string, path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return otherwise;
  }
}
