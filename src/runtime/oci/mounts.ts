import { posix } from 'node:path';
import type { ContainerSpec } from '../../api/container.ts';
import type { OciInput } from './input.ts';
import type { OciDocument, OciMount } from './types.ts';

const tight = ['nosuid', 'noexec', 'nodev'];

/** What programs expect to find mounted in any container. */
export function defaultMounts({ userNamespace }: ContainerSpec): OciMount[] {
  // Group 5 (tty) is not there in a user namespace that is too small.
  const ttyGroup = userNamespace !== undefined && userNamespace.size <= 5 ? [] : ['gid=5'];
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: tight },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=64k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...ttyGroup],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...tight, 'mode=1777', 'size=64m'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: tight },
    // Where the network namespace is not the container's to mount a sysfs for, crun binds the host's, read-only all through.
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...tight, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...tight, 'relatime', 'ro'] },
  ];
}

/** Add what the spec and the plugins mount. What hob mounts by default gives way to it; a bundle's mounts all stay. */
export function withMounts(document: OciDocument, { spec, additions, bundleConfig }: OciInput): OciDocument {
  const added = additions.mounts.map((mount) => ({ destination: '', ...mount }));
  const mounts = [...document.mounts, ...(spec.mounts ?? []).map(mountOf), ...added];
  return { ...document, mounts: bundleConfig === undefined ? onePerPlace(mounts) : mounts };
}

/** Of two at one place the later counts, in the place of the first: what is mounted below it comes after it. */
const onePerPlace = (mounts: readonly OciMount[]): OciMount[] => [
  ...new Map(mounts.map((mount) => [posix.resolve('/', mount.destination), mount])).values(),
];

/** As an OCI configuration has it. */
export function mountOf({
  source,
  destination,
  type,
  options,
}: NonNullable<ContainerSpec['mounts']>[number]): Required<OciMount> {
  const saysHow = options.includes('bind') || options.includes('rbind');
  const bind = type === 'bind' && !saysHow ? ['rbind'] : [];
  return { destination, type, source: source ?? type, options: [...bind, ...options] };
}
