import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeCgroups } from '../../src/runtime/cgroup-remains.ts';
import { isFrozen } from '../../src/runtime/cgroup-state.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hob-cgroups-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** As crun leaves it where there is no cgroup filesystem. */
function leave(path: string): string {
  const directory = join(root, path);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'cgroup.procs'), '');
  return directory;
}

it('removes what crun left of a container in every hierarchy, and nothing of others', async () => {
  const gone = [leave('unified/hob/web'), leave('memory/hob/web/child'), leave('memory/hob/web')];
  const kept = [leave('unified/hob/other'), leave('memory/hob')];
  await removeCgroups('/hob/web', '/hob', root);
  expect(gone.filter(existsSync)).toEqual([]);
  expect(kept.filter(existsSync)).toEqual(kept);
});

it('takes a root with processes for the one hierarchy that there is', async () => {
  leave('.');
  const directory = leave('hob/web');
  await removeCgroups('/hob/web', '/hob', root);
  expect(existsSync(directory)).toBe(false);
});

it.each(['/', '', '/hob', '/hob/', '/hob/.', '/system.slice/web', '/hob/../system.slice', '/hobbit/web'])(
  'touches nothing that is not below the parent: %j',
  async (path) => {
    const others = ['memory', 'memory/hob', 'memory/system.slice/web', 'memory/hobbit/web'].map(leave);
    await removeCgroups(path, '/hob', root);
    expect(others.filter(existsSync)).toEqual(others);
  },
);

it.each([
  ['freezer.state', 'FROZEN\n', true],
  ['freezer.state', 'FREEZING\n', true],
  ['freezer.state', 'THAWED\n', false],
  ['cgroup.freeze', '1\n', true],
  ['cgroup.freeze', '0\n', false],
  ['other', '', false],
])('%s of %j: frozen is %s', (file, content, frozen) => {
  writeFileSync(join(leave('freezer/hob/web'), file), content);
  const controllers = new Map([['freezer', join(root, 'freezer')]]);
  expect(isFrozen('/hob/web', { version: 'v1', controllers, crunRefuses: false })).toBe(frozen);
  expect(isFrozen('/hob/web', { version: 'none', controllers: new Map(), crunRefuses: false })).toBe(false);
});
