import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meanwhile, specText, until, Workshop } from '../support/watched-folder.ts';

/** With this, nothing that is declared was waited for. */
const never = { settleMs: 3_600_000 };

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
});
afterEach(() => shop.close());

const shows = (state: Record<string, string>) =>
  until(() => expect(Object.fromEntries(shop.recorder.state)).toEqual(state));

/** Point a link elsewhere the way that never leaves it missing. */
function swapLink(path: string, target: string): void {
  symlinkSync(target, `${path}_tmp`);
  renameSync(`${path}_tmp`, path);
}

function revision(name: string, specs: Record<string, string>): string {
  const path = join(shop.base, name);
  mkdirSync(path, { recursive: true });
  for (const [file, text] of Object.entries(specs)) shop.write(file, text, path);
  return path;
}

describe('a ConfigMap volume', () => {
  /** As the kubelet does it: a new timestamped folder, the swap of ..data, then the names, then the old folder goes. */
  function publish(timestamp: string, specs: Record<string, string>, last?: string): void {
    for (const [file, text] of Object.entries(specs)) shop.write(`..${timestamp}/${file}`, text);
    swapLink(shop.path('..data'), `..${timestamp}`);
    for (const file of Object.keys(specs)) if (!linked.has(file)) symlinkSync(`..data/${file}`, shop.path(file));
    for (const file of linked) if (!(file in specs)) unlinkSync(shop.path(file));
    linked = new Set(Object.keys(specs));
    if (last !== undefined) rmSync(shop.path(`..${last}`), { recursive: true });
  }
  let linked: Set<string>;
  beforeEach(() => {
    linked = new Set();
    mkdirSync(shop.folder);
  });

  it('is read through its links, each file once, and each swap at once', async () => {
    await shop.watchAndSync(never);
    publish('1', { 'a.yaml': specText('a', 1), 'b.yaml': specText('b', 1) });
    await shows({ 'a.yaml': 'a=v1', 'b.yaml': 'b=v1' });
    publish('2', { 'a.yaml': specText('a', 2), 'b.yaml': specText('b', 1) }, '1');
    await shows({ 'a.yaml': 'a=v2', 'b.yaml': 'b=v1' });
    publish('3', { 'a.yaml': specText('a', 3), 'c.yaml': specText('c', 3) }, '2');
    await shows({ 'a.yaml': 'a=v3', 'c.yaml': 'c=v3' });
    publish('4', {}, '3');
    await shows({});
    expect(shop.recorder.told.filter((line) => line.includes('!'))).toEqual([]);
  });
});

describe('a folder that is a link, as git-sync makes it', () => {
  it('is read anew when the link is swapped, at once, and so is what happens in the new revision', async () => {
    revision('rev1', { 'a.yaml': specText('a', 1), 'b.yaml': specText('b', 1), 'sub/c.yaml': specText('c', 1) });
    symlinkSync('rev1', shop.folder);
    await shop.watchAndSync({ settleMs: 50 });
    revision('rev2', { 'a.yaml': specText('a', 2), 'sub/c.yaml': specText('c', 2), 'd.yaml': specText('d', 2) });
    swapLink(shop.folder, 'rev2');
    await shows({ 'a.yaml': 'a=v2', 'sub/c.yaml': 'c=v2', 'd.yaml': 'd=v2' });
    expect(shop.recorder.withdrawn).toEqual(['withdraw b.yaml']);
    shop.moveIn('e.yaml', specText('e', 2));
    await until(() => expect(shop.recorder.state.get('e.yaml')).toBe('e=v2'));
    rmSync(join(shop.base, 'rev1'), { recursive: true });
    shop.write('sub/c.yaml', specText('c', 3));
    await until(() => expect(shop.recorder.state.get('sub/c.yaml')).toBe('c=v3'));
    expect(shop.recorder.told.filter((line) => line.startsWith('unavailable'))).toEqual([]);
  });

  it('does not wait for the files of a new revision to settle', async () => {
    revision('rev1', {});
    symlinkSync('rev1', shop.folder);
    await shop.watchAndSync(never);
    revision('rev2', { 'a.yaml': specText('a') });
    swapLink(shop.folder, 'rev2');
    await shows({ 'a.yaml': 'a=v1' });
  });

  it('may come to lead to an empty revision: that is believed', async () => {
    revision('rev1', { 'a.yaml': specText('a') });
    revision('rev2', {});
    symlinkSync('rev1', shop.folder);
    await shop.watchAndSync();
    swapLink(shop.folder, 'rev2');
    await shows({});
    expect(shop.recorder.unavailableFor).toBeUndefined();
  });

  it('may have its link on the way to it', async () => {
    revision('volume/..1/specs', { 'a.yaml': specText('a', 1) });
    revision('volume/..2/specs', { 'a.yaml': specText('a', 2) });
    symlinkSync('..1', join(shop.base, 'volume/..data'));
    symlinkSync('volume/..data/specs', shop.folder);
    await shop.watchAndSync({ settleMs: 50 });
    swapLink(join(shop.base, 'volume/..data'), '..2');
    await shows({ 'a.yaml': 'a=v2' });
  });

  it('removes nothing when the link is gone, or leads nowhere', async () => {
    revision('rev1', { 'a.yaml': specText('a', 1) });
    symlinkSync('rev1', shop.folder);
    await shop.watchAndSync();
    swapLink(shop.folder, 'nowhere');
    await until(() => expect(shop.recorder.unavailableFor).toContain('is not there'));
    unlinkSync(shop.folder);
    await meanwhile(500);
    revision('rev2', { 'a.yaml': specText('a', 2) });
    symlinkSync('rev2', shop.folder);
    await until(() => expect(shop.recorder.told.at(-1)).toBe('available'));
    expect(shop.recorder.told.slice(2)).toEqual([
      expect.stringContaining('unavailable'),
      'declare a.yaml a=v2',
      'available',
    ]);
  });
});

describe('links in the folder', () => {
  beforeEach(() => mkdirSync(shop.folder));

  it('lead to files elsewhere, whose changes are seen', async () => {
    const elsewhere = join(shop.base, 'elsewhere.txt');
    writeFileSync(elsewhere, specText('a', 1));
    symlinkSync(elsewhere, shop.path('a.yaml'));
    await shop.watchAndSync();
    writeFileSync(elsewhere, specText('a', 2));
    await shows({ 'a.yaml': 'a=v2' });
    writeFileSync(`${elsewhere}.new`, specText('a', 3));
    renameSync(`${elsewhere}.new`, elsewhere);
    await shows({ 'a.yaml': 'a=v3' });
  });

  it('to a spec that is there under its own name do not make it count twice', async () => {
    shop.write('a.yaml', specText('a'));
    symlinkSync('a.yaml', shop.path('b.yaml'));
    await shop.watchAndSync();
    symlinkSync('a.yaml', shop.path('c.yaml'));
    shop.moveIn('d.yaml', specText('d'));
    await shows({ 'a.yaml': 'a=v1', 'd.yaml': 'd=v1' });
    expect(shop.recorder.mistakes.size).toBe(0);
  });

  it('to folders are followed, and swapping them is seen', async () => {
    revision('team1', { 'a.yaml': specText('a', 1), 'b.yaml': specText('b', 1) });
    revision('team2', { 'a.yaml': specText('a', 2) });
    symlinkSync('../team1', shop.path('team'));
    await shop.watchAndSync();
    expect(Object.fromEntries(shop.recorder.state)).toEqual({ 'team/a.yaml': 'a=v1', 'team/b.yaml': 'b=v1' });
    swapLink(shop.path('team'), '../team2');
    await shows({ 'team/a.yaml': 'a=v2' });
    shop.moveIn('team/c.yaml', specText('c'));
    await shows({ 'team/a.yaml': 'a=v2', 'team/c.yaml': 'c=v1' });
  });

  it('to folders of the tree, to the folder itself and upwards are not followed', async () => {
    shop.write('sub/a.yaml', specText('a'));
    shop.write('stray.yaml', specText('stray'), shop.base);
    symlinkSync('sub', shop.path('a-link-to-sub'));
    symlinkSync('..', shop.path('sub/up'));
    symlinkSync('../..', shop.path('sub/out'));
    symlinkSync('.', shop.path('self'));
    symlinkSync('/', shop.path('root'));
    await shop.watchAndSync();
    shop.moveIn('sub/b.yaml', specText('b'));
    await shows({ 'sub/a.yaml': 'a=v1', 'sub/b.yaml': 'b=v1' });
    await meanwhile(300);
    expect(shop.recorder.told).toEqual(['declare sub/a.yaml a=v1', 'synced', 'declare sub/b.yaml b=v1']);
  });

  it('may lead in circles', async () => {
    revision('one', { 'a.yaml': specText('a') });
    revision('two', { 'b.yaml': specText('b') });
    symlinkSync('../two', join(shop.base, 'one/two'));
    symlinkSync('../one', join(shop.base, 'two/one'));
    symlinkSync('../one', shop.path('one'));
    symlinkSync('../two', shop.path('two'));
    await shop.watchAndSync();
    expect([...shop.recorder.state.values()].sort()).toEqual(['a=v1', 'b=v1']);
  });
});
