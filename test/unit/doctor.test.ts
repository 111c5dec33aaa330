import { expect, it } from 'vitest';
import type { CgroupLayout } from '../../src/host/cgroups.ts';
import { judgeCgroups } from '../../src/daemon/doctor/cgroups.ts';
import { judgeCrun } from '../../src/daemon/doctor/crun.ts';
import { judgeSpace, socketPath } from '../../src/daemon/doctor/directories.ts';
import { kernel, overlay } from '../../src/daemon/doctor/kernel.ts';
import { privileges } from '../../src/daemon/doctor/privileges.ts';
import { node } from '../../src/daemon/doctor/programs.ts';
import { isAtLeast, versionIn } from '../../src/daemon/doctor/versions.ts';

it.each([
  ['1.8.1', '1.27', false],
  ['1.27', '1.27', true],
  ['1.27.1', '1.27', true],
  ['1.27', '1.27.1', false],
  ['2.0', '1.27', true],
  ['10.0', '9.9', true],
])('version %s is at least %s: %s', (version, least, expected) => {
  expect(isAtLeast(versionIn(version) ?? [], versionIn(least) ?? [])).toBe(expected);
});

it('finds the version of crun in what it says of itself', () => {
  expect(versionIn('crun version 1.8.1\ncommit: f8a096b\nspec: 1.0.0')).toEqual([1, 8, 1]);
});

it.each([
  ['1.8.1', ['CVE-2026-47766']],
  ['1.19', ['CVE-2026-30892', 'CVE-2026-47766']],
  ['1.26.9', ['CVE-2026-30892', 'CVE-2026-47766']],
  ['1.27', ['CVE-2026-47766']],
  ['1.28', []],
  ['2.1', []],
])('crun %s has these known holes: %s', (version, expected) => {
  const finding = judgeCrun('/usr/bin/crun', `crun version ${version}\n`);
  expect(finding.found.match(/CVE-[\d-]+/g) ?? []).toEqual(expected);
  expect(finding.ok).toBe(expected.length > 0 ? 'warning' : 'ok');
});

it('a crun that is something else is a problem with a cure', () => {
  expect(judgeCrun('/usr/bin/crun', 'runc version 1.1.0')).toMatchObject({
    ok: 'problem',
    cure: expect.stringMatching(/install/),
  });
});

const layout = (change: Partial<CgroupLayout>): CgroupLayout => ({
  version: 'v2',
  controllers: new Map(['memory', 'cpu', 'pids', 'freezer'].map((controller) => [controller, '/sys/fs/cgroup'])),
  crunRefuses: false,
  ...change,
});

it('plain v2 with all controllers is fine', () => {
  expect(judgeCgroups(layout({}))).toEqual({ check: 'cgroups', ok: 'ok', found: 'v2' });
});

it('a hybrid host is fine, and is told what hob does about it', () => {
  const finding = judgeCgroups(layout({ version: 'hybrid', unified: '/sys/fs/cgroup/unified', crunRefuses: true }));
  expect(finding.ok).toBe('ok');
  expect(finding.found).toContain('mount namespace without');
});

it('what only the hidden v2 hierarchy has cannot be had', () => {
  const unified = '/sys/fs/cgroup/unified';
  const controllers = new Map([...layout({}).controllers, ['memory', unified]]);
  const finding = judgeCgroups(layout({ version: 'hybrid', controllers, unified, crunRefuses: true }));
  expect(finding).toMatchObject({ ok: 'warning', found: expect.stringContaining('without memory') });
});

it('a controller that is missing is named with what is lost and how to get it', () => {
  const finding = judgeCgroups(layout({ controllers: new Map([['cpu', '/c']]) }));
  expect(finding).toMatchObject({ ok: 'warning' });
  expect(finding.found).toContain('memory limits');
  expect(finding.cure).toContain('cgroup_enable=memory');
});

it('a host without cgroups is a problem', () => {
  expect(judgeCgroups(layout({ version: 'none', controllers: new Map() })).ok).toBe('problem');
});

const allCapabilities = 'Name:\tnode\nCapEff:\t000001ffffffffff\n';

it('root with all capabilities is fine, root without CAP_SYS_ADMIN is told so, another user is sent to root', () => {
  expect(privileges(0, allCapabilities).ok).toBe('ok');
  expect(privileges(0, 'CapEff:\t00000000a80425fb\n').found).toContain('CAP_SYS_ADMIN');
  expect(privileges(1000, allCapabilities).cure).toContain('run hob as root');
});

it.each([
  ['6.15.0', 'ok', /^6\.15\.0$/],
  ['6.1.0-18-amd64', 'ok', /SIGKILL look alike/],
  ['5.2.1', 'problem', /5\.2\.1/],
])('kernel %s is %s', (release, ok, found) => {
  const finding = kernel(release);
  expect(finding.ok).toBe(ok);
  expect(finding.found).toMatch(found);
});

it('knows the overlay filesystem from the list of filesystems', () => {
  expect(overlay('nodev\tsysfs\nnodev\toverlay\n\text4\n', '/nonexistent', undefined).ok).toBe('ok');
  expect(overlay('nodev\tsysfs\n\text4\n', '/nonexistent', undefined).ok).toBe('warning');
});

it('an overlay cannot be put on an overlay, as in most containers', () => {
  const finding = overlay('nodev\toverlay\n', '/nonexistent', 'overlayfs');
  expect(finding).toMatchObject({ ok: 'warning', cure: expect.stringContaining('--state-dir') });
});

it.each([
  [10 * 2 ** 30, 1e6, 'ok'],
  [100 * 2 ** 20, 1e6, 'warning'],
  [10 * 2 ** 20, 1e6, 'problem'],
  [10 * 2 ** 30, 5000, 'warning'],
  [10 * 2 ** 30, 0, 'problem'],
])('%s bytes and room for %s files is %s', (bytes, files, expected) => {
  expect(judgeSpace('/var/lib/hob', { bytes, files }).ok).toBe(expected);
});

it('a run directory too long for a socket is told before the socket fails', () => {
  expect(socketPath('/run/hob', '/run/hob/hob.sock').ok).toBe('ok');
  expect(socketPath('/r', `/${'r'.repeat(120)}/hob.sock`)).toMatchObject({ ok: 'problem' });
});

it.each([
  ['v26.10.0', 'ok'],
  ['v26.9.0', 'problem'],
  ['v27.0.0', 'problem'],
  ['v20.20.2', 'problem'],
])('node %s is %s', (version, expected) => {
  expect(node(version, '/usr/bin/node').ok).toBe(expected);
});
