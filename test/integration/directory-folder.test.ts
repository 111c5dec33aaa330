import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mount, unmount } from '../../src/host/libc.ts';
import { asNobody, asRoot, meanwhile, specText, until, Workshop } from '../support/watched-folder.ts';

let shop: Workshop;
let mounted: string[];
beforeEach(() => {
  shop = new Workshop();
  mkdirSync(shop.folder);
  mounted = [];
});
afterEach(async () => {
  for (const at of mounted.reverse()) unmount(at, { detach: true });
  await shop.close();
});

const shows = (state: Record<string, string>) =>
  until(() => expect(Object.fromEntries(shop.recorder.state)).toEqual(state));
const isUnavailable = (why: RegExp) => until(() => expect(shop.recorder.unavailableFor).toMatch(why));
const isAvailable = () => until(() => expect(shop.recorder.unavailableFor).toBeUndefined());

function mountAt(path: string): void {
  mkdirSync(path, { recursive: true });
  mount({ source: 'hob-test', target: path, type: 'tmpfs', data: 'mode=0755' });
  mounted.push(path);
}
function unmountAt(path: string): void {
  mounted = mounted.filter((at) => at !== path);
  unmount(path, { detach: true });
}

/** a.yaml and b.yaml are there and declared. */
async function begin(): Promise<void> {
  for (const name of ['a', 'b']) shop.write(`${name}.yaml`, specText(name));
  await shop.watchAndSync({ removeMs: 150 });
}
const both = { 'a.yaml': 'a=v1', 'b.yaml': 'b=v1' };

describe('a folder that is not there at the start', () => {
  beforeEach(() => rmdirSync(shop.folder));

  it('is waited for, and nothing counts as complete until it was read', async () => {
    await shop.watch();
    expect(shop.recorder.told).toEqual([expect.stringMatching(/^unavailable .*specs is not there; make it/)]);
    mkdirSync(shop.folder);
    shop.write('a.yaml', specText('a'));
    await until(() => expect(shop.recorder.told.slice(1)).toEqual(['declare a.yaml a=v1', 'available', 'synced']));
    shop.moveIn('b.yaml', specText('b'));
    await shows(both);
  });

  it('is found when its parents are made with it', async () => {
    await shop.close();
    shop = new Workshop('one/two/specs');
    await shop.watch();
    shop.write('a.yaml', specText('a'));
    await shows({ 'a.yaml': 'a=v1' });
  });

  it('may be something else for a while', async () => {
    writeFileSync(shop.folder, 'a file');
    await shop.watch();
    expect(shop.recorder.unavailableFor).toMatch(/is not a folder/);
    unlinkSync(shop.folder);
    shop.write('a.yaml', specText('a'));
    await shows({ 'a.yaml': 'a=v1' });
    await isAvailable();
  });
});

describe('a folder that goes', () => {
  it('takes nothing with it; an empty one in its place is not believed; one with a spec in it is', async () => {
    await begin();
    rmSync(shop.folder, { recursive: true });
    await isUnavailable(/is not there/);
    mkdirSync(shop.folder);
    await isUnavailable(/another folder than before, and empty.* the 2 spec files .*put a spec there, or restart hob/);
    await meanwhile(500);
    expect(shop.recorder.withdrawn).toEqual([]);
    shop.moveIn('a.yaml', specText('a', 2));
    await shows({ 'a.yaml': 'a=v2' });
    expect(shop.recorder.told.slice(-3)).toEqual(['declare a.yaml a=v2', 'withdraw b.yaml', 'available']);
  });

  it('takes nothing with it when it is removed slowly, file by file', async () => {
    await begin();
    for (const name of ['a.yaml', 'b.yaml']) {
      unlinkSync(shop.path(name));
      await meanwhile(75);
    }
    rmdirSync(shop.folder);
    await isUnavailable(/is not there/);
    await meanwhile(500);
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('is read anew when another one, with specs, is put in its place', async () => {
    await begin();
    const other = join(shop.base, 'other');
    shop.write('b.yaml', specText('b', 2), other);
    shop.write('sub/c.yaml', specText('c', 2), other);
    renameSync(shop.folder, join(shop.base, 'old'));
    renameSync(other, shop.folder);
    await shows({ 'b.yaml': 'b=v2', 'sub/c.yaml': 'c=v2' });
    shop.moveIn('sub/d.yaml', specText('d'));
    await until(() => expect(shop.recorder.state.get('sub/d.yaml')).toBe('d=v1'));
  });

  it('is the same when it comes back', async () => {
    await begin();
    renameSync(shop.folder, join(shop.base, 'aside'));
    await isUnavailable(/is not there/);
    renameSync(join(shop.base, 'aside'), shop.folder);
    await isAvailable();
    expect(shop.recorder.told.slice(3)).toEqual([expect.stringContaining('unavailable'), 'available']);
    shop.moveIn('c.yaml', specText('c'));
    await shows({ ...both, 'c.yaml': 'c=v1' });
  });

  it('goes with a folder further up, too', async () => {
    await shop.close();
    shop = new Workshop('one/two/specs');
    await begin();
    renameSync(join(shop.base, 'one'), join(shop.base, 'aside'));
    await isUnavailable(/is not there/);
    renameSync(join(shop.base, 'aside'), join(shop.base, 'one'));
    await isAvailable();
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('may be replaced by a file', async () => {
    await begin();
    rmSync(shop.folder, { recursive: true });
    writeFileSync(shop.folder, 'a file');
    await isUnavailable(/is not a folder/);
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('may have been emptied and removed and made again with other specs before anybody looked', async () => {
    await begin();
    rmSync(shop.folder, { recursive: true });
    shop.write('c.yaml', specText('c'));
    await shows({ 'c.yaml': 'c=v1' });
  });
});

describe('a folder that is a mount', () => {
  it('takes nothing with it when it is unmounted, and is the same when it is mounted again', async () => {
    const disk = join(shop.base, 'disk');
    mountAt(disk);
    mkdirSync(join(disk, 'specs'));
    for (const name of ['a', 'b']) shop.write(`${name}.yaml`, specText(name), join(disk, 'specs'));
    const bind = () => (
      mount({ source: join(disk, 'specs'), target: shop.folder, flags: 4096n }),
      mounted.push(shop.folder)
    );
    bind();
    await shop.watchAndSync();
    unmountAt(shop.folder);
    await isUnavailable(/is something not mounted\?/);
    await meanwhile(600);
    expect(shop.recorder.withdrawn).toEqual([]);
    shop.write('b.yaml', specText('b', 2), join(disk, 'specs'));
    bind();
    await isAvailable();
    expect(Object.fromEntries(shop.recorder.state)).toEqual({ 'a.yaml': 'a=v1', 'b.yaml': 'b=v2' });
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('hides nothing for good when an empty filesystem is mounted over it', async () => {
    await begin();
    mountAt(shop.folder);
    await isUnavailable(/is something not mounted\?/);
    unmountAt(shop.folder);
    await isAvailable();
    await shows(both);
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('may be a sub-folder', async () => {
    mountAt(shop.path('sub'));
    shop.write('sub/a.yaml', specText('a'));
    shop.write('b.yaml', specText('b'));
    await shop.watchAndSync();
    unmountAt(shop.path('sub'));
    await isUnavailable(/specs\/sub is another folder than before, and empty/);
    shop.moveIn('b.yaml', specText('b', 2));
    unlinkSync(shop.path('b.yaml'));
    await shows({ 'sub/a.yaml': 'a=v1' });
    expect(shop.recorder.withdrawn).toEqual(['withdraw b.yaml']);
  });
});

describe('a folder that cannot be read', () => {
  it('takes nothing with it', async () => {
    for (const name of ['a', 'b']) shop.write(`${name}.yaml`, specText(name));
    await asNobody(async () => {
      await shop.watchAndSync();
      asRoot(() => chmodSync(shop.folder, 0o700));
      await isUnavailable(/may not be read by the user hob runs as/);
      asRoot(() => unlinkSync(shop.path('a.yaml')));
      await meanwhile(600);
      expect(shop.recorder.withdrawn).toEqual([]);
      asRoot(() => chmodSync(shop.folder, 0o755));
      await isAvailable();
      expect(shop.recorder.told.slice(-2)).toEqual(['withdraw a.yaml', 'available']);
    });
  });

  it('may be a sub-folder: the others go on', async () => {
    shop.write('sub/a.yaml', specText('a'));
    shop.write('b.yaml', specText('b'));
    await asNobody(async () => {
      await shop.watchAndSync();
      asRoot(() => chmodSync(shop.path('sub'), 0o700));
      await isUnavailable(/specs\/sub may not be read/);
      asRoot(() => shop.moveIn('b.yaml', specText('b', 2)));
      await shows({ 'sub/a.yaml': 'a=v1', 'b.yaml': 'b=v2' });
      asRoot(() => chmodSync(shop.path('sub'), 0o755));
      await isAvailable();
    });
    expect(shop.recorder.withdrawn).toEqual([]);
  });

  it('is not the matter when it is just too deep: that is said, and left alone', async () => {
    shop.write(`${'deep/'.repeat(8)}a.yaml`, specText('a'));
    shop.write(`${'deep/'.repeat(9)}b.yaml`, specText('b'));
    await shop.watchAndSync();
    expect(Object.fromEntries(shop.recorder.state)).toEqual({ [`${'deep/'.repeat(8)}a.yaml`]: 'a=v1' });
    expect(shop.logged).toEqual([expect.stringMatching(/deep\/deep is more than 8 folders deep/)]);
    shop.moveIn(`${'deep/'.repeat(8)}c.yaml`, specText('c'));
    await until(() => expect(shop.recorder.state.size).toBe(2));
  });

  it('may have too many folders: what is not seen is not gone', async () => {
    for (let i = 0; i < 1005; i++) mkdirSync(shop.path(`folder-${i}`));
    shop.write('a.yaml', specText('a'));
    await shop.watch();
    await isUnavailable(/has more than 1000 folders; not all of it is read/);
    await shows({ 'a.yaml': 'a=v1' });
    unlinkSync(shop.path('a.yaml'));
    for (let i = 0; i < 10; i++) rmdirSync(shop.path(`folder-${i}`));
    await isAvailable();
    expect(shop.recorder.told.slice(-3)).toEqual(['withdraw a.yaml', 'available', 'synced']);
  });
});

describe('sub-folders', () => {
  it('are read when they are moved in, and withdrawn when they are removed or moved out', async () => {
    await begin();
    shop.write('c.yaml', specText('c'), join(shop.base, 'team'));
    shop.write('more/d.yaml', specText('d'), join(shop.base, 'team'));
    renameSync(join(shop.base, 'team'), shop.path('team'));
    await shows({ ...both, 'team/c.yaml': 'c=v1', 'team/more/d.yaml': 'd=v1' });
    renameSync(shop.path('team/more'), join(shop.base, 'more'));
    await shows({ ...both, 'team/c.yaml': 'c=v1' });
    rmSync(shop.path('team'), { recursive: true });
    await shows(both);
  });

  it('are seen when they are made and filled at once, however deep', async () => {
    await begin();
    await promisify(execFile)('mkdir', ['-p', shop.path('x/y/z')]);
    shop.write('x/y/z/c.yaml', specText('c'));
    await shows({ ...both, 'x/y/z/c.yaml': 'c=v1' });
    shop.moveIn('x/y/z/d.yaml', specText('d'));
    await shows({ ...both, 'x/y/z/c.yaml': 'c=v1', 'x/y/z/d.yaml': 'd=v1' });
  });

  it('may be emptied by being removed and made again', async () => {
    shop.write('sub/a.yaml', specText('a'));
    await shop.watchAndSync();
    rmSync(shop.path('sub'), { recursive: true });
    mkdirSync(shop.path('sub'));
    await shows({});
    expect(shop.recorder.unavailableFor).toBeUndefined();
  });

  it('may be replaced by others', async () => {
    shop.write('sub/a.yaml', specText('a'));
    await shop.watchAndSync();
    shop.write('b.yaml', specText('b'), join(shop.base, 'other'));
    renameSync(shop.path('sub'), join(shop.base, 'old'));
    renameSync(join(shop.base, 'other'), shop.path('sub'));
    await shows({ 'sub/b.yaml': 'b=v1' });
    shop.moveIn('sub/c.yaml', specText('c'));
    await shows({ 'sub/b.yaml': 'b=v1', 'sub/c.yaml': 'c=v1' });
  });
});
