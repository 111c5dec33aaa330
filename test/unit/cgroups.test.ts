import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cgroupPaths, detectCgroups } from '../../src/host/cgroups.ts';

const root = mkdtempSync(join(tmpdir(), 'hob-cgroups-'));
mkdirSync(join(root, 'unified'));
afterAll(() => rmSync(root, { recursive: true }));

/** A table of mounts as the kernel writes it, with a few lines that have nothing to do with cgroups. */
const table = (...mounts: [at: string, type: string, options: string][]): string =>
  [
    '22 27 0:21 / /proc rw,relatime shared:12 - proc proc rw',
    '27 1 254:0 / / rw,relatime shared:1 master:3 - ext4 /dev/vda rw,discard',
    ...mounts.map(([at, type, options]) => `31 23 0:28 / ${at} rw,nosuid shared:9 - ${type} ${type} rw,${options}`),
    '40 27 0:44 / /sys/fs/cgroup-of-others/memory rw - cgroup cgroup rw,memory',
    '',
  ].join('\n');

const tmpfs: [string, string, string] = [root, 'tmpfs', 'mode=755'];
const v1: [string, string, string][] = [
  [join(root, 'cpu,cpuacct'), 'cgroup', 'cpu,cpuacct'],
  [join(root, 'memory'), 'cgroup', 'memory'],
  [join(root, 'freezer'), 'cgroup', 'freezer'],
  [join(root, 'systemd'), 'cgroup', 'xattr,name=systemd'],
];
const unified: [string, string, string] = [join(root, 'unified'), 'cgroup2', 'nsdelegate'];

function detect(mounts: [string, string, string][], controllersOfV2 = '') {
  writeFileSync(join(root, 'cgroup.controllers'), controllersOfV2);
  writeFileSync(join(root, 'unified', 'cgroup.controllers'), controllersOfV2);
  return detectCgroups(root, table(...mounts));
}

describe('the cgroup layout of a host', () => {
  it('is v2 when the v2 hierarchy is the root itself', () => {
    const layout = detect([[root, 'cgroup2', 'nsdelegate']], 'cpu io memory pids\n');
    expect(layout).toMatchObject({ version: 'v2', unified: root, crunRefuses: false });
    expect([...layout.controllers.keys()]).toEqual(['cpu', 'io', 'memory', 'pids', 'freezer']);
  });

  it('is v1 when there are only v1 controllers, and named hierarchies are none', () => {
    const layout = detect([tmpfs, ...v1]);
    expect(layout).toMatchObject({ version: 'v1', crunRefuses: false });
    expect(layout.unified).toBeUndefined();
    expect([...layout.controllers.keys()]).toEqual(['cpu', 'cpuacct', 'memory', 'freezer']);
  });

  it('is hybrid, and refused by crun, when the v2 hierarchy beside v1 has a controller', () => {
    expect(detect([tmpfs, ...v1, unified], 'hugetlb\n')).toMatchObject({ version: 'hybrid', crunRefuses: true });
  });

  it('is hybrid, and fine with crun, when the v2 hierarchy beside v1 has none, as systemd sets it up', () => {
    expect(detect([tmpfs, ...v1, unified], '')).toMatchObject({ version: 'hybrid', crunRefuses: false });
  });

  it('is fine with crun when the v2 hierarchy is mounted where crun does not look', () => {
    const elsewhere: [string, string, string] = [join(root, 'v2'), 'cgroup2', 'nsdelegate'];
    mkdirSync(join(root, 'v2'));
    writeFileSync(join(root, 'v2', 'cgroup.controllers'), 'hugetlb\n');
    expect(detect([tmpfs, ...v1, elsewhere])).toMatchObject({ version: 'hybrid', crunRefuses: false });
  });

  it('is v1 when something is mounted over the v2 hierarchy', () => {
    expect(detect([tmpfs, ...v1, unified, [join(root, 'unified'), 'tmpfs', 'x']], 'hugetlb\n').version).toBe('v1');
  });

  it('is none when no cgroup filesystem is there', () => {
    expect(detect([tmpfs])).toMatchObject({ version: 'none', crunRefuses: false });
  });
});

describe("a container's cgroup", () => {
  it('is in the hierarchy of each controller on v1', () => {
    const paths = cgroupPaths('/hob/web', detect([tmpfs, ...v1]));
    expect(paths.get('cpuacct')).toBe(join(root, 'cpu,cpuacct/hob/web'));
    expect(paths.get('memory')).toBe(join(root, 'memory/hob/web'));
    expect(paths.has('pids')).toBe(false);
  });

  it('is one directory for all controllers on v2, the freezer too', () => {
    const paths = cgroupPaths('/hob/web', detect([[root, 'cgroup2', 'rw']], 'memory pids\n'));
    expect(new Set(paths.values())).toEqual(new Set([join(root, 'hob/web')]));
    expect(paths.has('freezer')).toBe(true);
  });

  it('is on v1 for what v1 has and on v2 for the rest on a hybrid host', () => {
    const paths = cgroupPaths('hob/web', detect([tmpfs, ...v1, unified], 'hugetlb\n'));
    expect(paths.get('memory')).toBe(join(root, 'memory/hob/web'));
    expect(paths.get('hugetlb')).toBe(join(root, 'unified/hob/web'));
  });

  it('is found below a mount point whose name the kernel escapes', () => {
    const layout = detectCgroups('/sys/my cgroups', table(['/sys/my\\040cgroups/memory', 'cgroup', 'memory']));
    expect(layout.controllers.get('memory')).toBe('/sys/my cgroups/memory');
  });
});
