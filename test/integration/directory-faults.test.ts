import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  openSync,
  writeSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { meanwhile, specText, until, Workshop } from '../support/watched-folder.ts';

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
  mkdirSync(shop.folder);
});
afterEach(() => shop.close());

const shows = (state: Record<string, string>) =>
  until(() => expect(Object.fromEntries(shop.recorder.state)).toEqual(state));

describe('a kernel that does not watch', () => {
  /** In a user namespace of its own, where it is this test that sets the limits. */
  function startWith(limit: string): { told: string[]; stop: () => Promise<number | null> } {
    const child = spawn(
      'unshare',
      ['--user', '--map-root-user', 'sh', '-c', `echo 0 >/proc/sys/user/${limit} && exec "$@"`, 'sh']
        .concat(process.execPath, '--disable-warning=ExperimentalWarning')
        .concat(join(import.meta.dirname, '../fixtures/directory-source-user.ts'), shop.folder, '0.3'),
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const told: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      told.push(...lines);
    });
    const exited = once(child, 'exit');
    const stop = async (): Promise<number | null> => {
      child.stdin.end();
      await exited;
      return child.exitCode;
    };
    return { told, stop };
  }

  it.each([
    ['max_inotify_watches', 'fs.inotify.max_user_watches'],
    ['max_inotify_instances', 'fs.inotify.max_user_instances'],
  ])('is complained of once, with the cure, and the rescan finds everything (%s)', async (limit, cure) => {
    shop.write('a.yaml', specText('a'));
    const { told, stop } = startWith(limit);
    await until(() => expect(told).toContain('synced'));
    shop.moveIn('b.yaml', specText('b'));
    mkdirSync(shop.path('sub'));
    shop.moveIn('sub/c.yaml', specText('c'));
    unlinkSync(shop.path('a.yaml'));
    await until(() =>
      expect(told).toEqual(expect.arrayContaining(['declare b.yaml b', 'declare sub/c.yaml c', 'withdraw a.yaml'])),
    );
    const warnings = told.filter((line) => line.startsWith('warn'));
    expect(warnings).toEqual([expect.stringContaining(`sysctl -w ${cure}=`)]);
    expect(warnings[0]).toContain('may be seen up to 0.3 s late');
    expect(await stop()).toBe(0);
  });
});

describe('events that are lost', () => {
  const queueLength = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));

  it('are made up for by the rescan, which then has everything watched anew', async () => {
    // In a folder of their own: where an event comes from, chokidar looks for others as well.
    mkdirSync(shop.path('quiet'));
    shop.write('quiet/gone.yaml', specText('gone'));
    shop.write('quiet/changed.yaml', specText('changed'));
    await shop.watchAndSync({ rescanSeconds: 3 });
    // Once the way to the folder is watched as well, it is looked at again.
    await meanwhile(1000);
    // Nobody reads the queue while this loop runs, so it overflows. (Two files, for equal events in a row count as one.)
    const noise = ['one.log', 'two.log'].map((name) => openSync(shop.path(name), 'w'));
    for (let i = 0; i <= queueLength; i++) writeSync(noise[i % 2] ?? 0, '.');
    noise.forEach(closeSync);
    shop.moveIn('quiet/new.yaml', specText('new'));
    shop.moveIn('quiet/changed.yaml', specText('changed', 2));
    unlinkSync(shop.path('quiet/gone.yaml'));
    await shows({ 'quiet/new.yaml': 'new=v1', 'quiet/changed.yaml': 'changed=v2' });
    await until(() => expect(shop.logged.join()).toContain('the rescan found what no event told of'));
  });
});

describe('stopping', () => {
  it('ends everything: nothing is told after it, whatever was going on', async () => {
    const source = await shop.watchAndSync({ rescanSeconds: 0.1, removeMs: 50, settleMs: 50 });
    shop.moveIn('a.yaml', specText('a'));
    await shows({ 'a.yaml': 'a=v1' });
    shop.moveIn('b.yaml', specText('b'));
    shop.write('c.yaml', specText('c'));
    unlinkSync(shop.path('a.yaml'));
    mkdirSync(shop.path('sub'));
    const stopped = source.stop();
    const before = shop.recorder.told.length;
    await stopped;
    rmSync(shop.folder, { recursive: true });
    await meanwhile(400);
    expect(shop.recorder.told).toHaveLength(before);
  });

  it('is possible at any moment of starting, and twice', async () => {
    for (let turns = 0; turns < 10; turns++) {
      const source = await shop.watch();
      await source.stop();
      const starting = shop.watch();
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      await starting.then((started) => started.stop());
      await source.stop();
    }
  });
});

describe('watching for a long time', () => {
  /** Descriptors, and inotify watches behind them, of this process. */
  function held(): string[] {
    return readdirSync('/proc/self/fd')
      .map((fd) => readIfThere(`/proc/self/fdinfo/${fd}`))
      .map((info) => `${(info.match(/^inotify wd/gm) ?? []).length} watches`)
      .sort();
  }
  const readIfThere = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };

  it('leaves no descriptor and no inotify watch behind, however often it begins anew', async () => {
    shop.write('sub/a.yaml', specText('a'));
    const cycle = async (): Promise<void> => (await shop.watch()).stop();
    await cycle();
    const before = held();
    for (let i = 0; i < 200; i++) await cycle();
    await until(() => expect(held()).toEqual(before));
  });

  it('does not collect them while the folder is swapped for another again and again', async () => {
    rmSync(shop.folder, { recursive: true });
    for (const [i, name] of ['one', 'two'].entries()) shop.write('sub/a.yaml', specText('a', i), join(shop.base, name));
    symlinkSync('one', shop.folder);
    await shop.watchAndSync();
    const before = held();
    for (let i = 1; i <= 40; i++) {
      symlinkSync(i % 2 === 0 ? 'one' : 'two', join(shop.base, 'next'));
      renameSync(join(shop.base, 'next'), shop.folder);
      await shows({ 'sub/a.yaml': `a=v${i % 2}` });
    }
    await until(() => expect(held()).toEqual(before));
  });
});
