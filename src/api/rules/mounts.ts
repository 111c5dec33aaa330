import { posix } from 'node:path';
import type { ContainerSpec } from '../container.ts';
import { quoted, type Finding, type Path } from '../finding.ts';
import { formats } from '../formats.ts';
import { missing, repeated, wrong, type Rule } from './rule.ts';

type Mount = NonNullable<ContainerSpec['mounts']>[number];

export const mountRules: readonly Rule[] = [
  { reads: ['spec.mounts'], find: ({ spec }) => mounts(spec.mounts ?? []) },
  {
    reads: ['spec.devices'],
    find: ({ spec }) =>
      repeated(
        (spec.devices ?? []).map(({ path }) => path),
        ['spec', 'devices'],
        'path',
      ),
  },
];

function mounts(list: readonly Mount[]): Finding[] {
  const path = ['spec', 'mounts'];
  const destinations = list.map(({ destination }) => posix.normalize(destination).replace(/(.)\/$/, '$1'));
  return [
    ...list.flatMap((mount, index) => oneMount(mount, [...path, index])),
    ...repeated(destinations, path, 'destination'),
  ];
}

function oneMount(mount: Mount, path: Path): Finding[] {
  return [...sourceOf(mount, [...path, 'source']), ...destinationOf(mount, [...path, 'destination'])];
}

/** Filesystems made of nothing need no source; everything else does. */
const sourceless = ['tmpfs', 'ramfs', 'proc', 'sysfs', 'devpts', 'mqueue', 'cgroup', 'cgroup2', 'overlay'];

function sourceOf(mount: Mount, path: Path): Finding[] {
  const { source, type } = mount;
  if (source === undefined)
    return sourceless.includes(type) ? [] : [missing(path, `a mount of type ${type} needs a source`)];
  const expected = isBindMount(mount) ? formats['absolute-path']?.(source) : undefined;
  return expected === undefined ? [] : [wrong(path, `expected ${expected.words}, found ${quoted(source)}`)];
}

function destinationOf({ destination }: Mount, path: Path): Finding[] {
  return posix.normalize(destination) === '/'
    ? [wrong(path, 'nothing can be mounted over the root of the container')]
    : [];
}

/** Whether a mount takes a file or directory of the host, whatever its type says. */
function isBindMount({ type, options }: Pick<Mount, 'type' | 'options'>): boolean {
  return type === 'bind' || options.includes('bind') || options.includes('rbind');
}
