/** Which cgroup hierarchies this host has, and where a container is found in them. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountsOf, type Mount } from './mounts.ts';

export interface CgroupLayout {
  /** hybrid: controllers on v1 and a v2 hierarchy beside them. none: no cgroup filesystem is mounted under the root. */
  readonly version: 'v1' | 'v2' | 'hybrid' | 'none';
  /** The directory of each controller's hierarchy. On v2 all have the same one, and `freezer`, which needs no controller there, is among them. */
  readonly controllers: ReadonlyMap<string, string>;
  /** Where the v2 hierarchy is mounted, if there is one. */
  readonly unified?: string;
  /** crun will start nothing: it takes a hybrid host only when no controller at all is left to the v2 hierarchy. */
  readonly crunRefuses: boolean;
}

const V1_CONTROLLERS = new Set(
  'cpu cpuacct cpuset memory devices freezer blkio pids net_cls net_prio perf_event hugetlb rdma misc'.split(' '),
);

/** Look at the cgroup filesystems that this process sees mounted at or below `root`. */
export function detectCgroups(
  root = '/sys/fs/cgroup',
  mountinfo = readFileSync('/proc/self/mountinfo', 'utf8'),
): CgroupLayout {
  const mounts = visible(mountsOf(mountinfo)).filter(({ mountPoint: at }) => at === root || at.startsWith(`${root}/`));
  const v1 = v1Controllers(mounts);
  const unified = mounts.find(({ type }) => type === 'cgroup2')?.mountPoint;
  if (unified === undefined) return { version: v1.size > 0 ? 'v1' : 'none', controllers: v1, crunRefuses: false };
  const v2 = v2Controllers(unified);
  if (unified === root)
    return { version: 'v2', controllers: onV2(unified, [...v2, 'freezer']), unified, crunRefuses: false };
  return {
    version: 'hybrid',
    controllers: new Map([...onV2(unified, v2), ...v1]),
    unified,
    crunRefuses: unified === join(root, 'unified') && v2.length > 0,
  };
}

/**
 * The container's directory in each controller's hierarchy, by controller: `cgroupPaths('/hob/web', layout).get('memory')`.
 * @param cgroupsPath the OCI configuration's `linux.cgroupsPath`; crun takes a relative one from the root, too
 */
export function cgroupPaths(cgroupsPath: string, layout: CgroupLayout): ReadonlyMap<string, string> {
  return new Map([...layout.controllers].map(([controller, directory]) => [controller, join(directory, cgroupsPath)]));
}

/** Of mounts on one place, only the last can be seen. */
const visible = (mounts: readonly Mount[]): Mount[] => [
  ...new Map(mounts.map((mount) => [mount.mountPoint, mount])).values(),
];

function v1Controllers(mounts: readonly Mount[]): Map<string, string> {
  const hierarchies = mounts.filter(({ type }) => type === 'cgroup');
  return new Map(
    hierarchies.flatMap(({ mountPoint, superOptions }) =>
      superOptions
        .filter((option) => V1_CONTROLLERS.has(option))
        .map((controller) => [controller, mountPoint] as const),
    ),
  );
}

/** None when the file is not there: something else hides the hierarchy, from crun as well. */
function v2Controllers(unified: string): string[] {
  const file = join(unified, 'cgroup.controllers');
  return existsSync(file) ? readFileSync(file, 'utf8').split(/\s+/).filter(Boolean) : [];
}

const onV2 = (directory: string, controllers: readonly string[]): Map<string, string> =>
  new Map(controllers.map((controller) => [controller, directory]));
