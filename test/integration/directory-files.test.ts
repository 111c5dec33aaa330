import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkfifo } from '../../src/host/libc.ts';
import { asNobody, asRoot, meanwhile, specText, until, Workshop } from '../support/watched-folder.ts';

/** With this, nothing that is declared was waited for. */
const never = { settleMs: 3_600_000 };

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
  mkdirSync(shop.folder);
});
afterEach(() => shop.close());

const shows = (state: Record<string, string>) =>
  until(() => expect(Object.fromEntries(shop.recorder.state)).toEqual(state));

describe('at the start', () => {
  it('declares the specs of the folder and its sub-folders by path, then is synced', async () => {
    for (const name of ['b.yml', 'z/c.yaml', 'a.json', 'z/y/d.yaml']) {
      shop.write(name, name.endsWith('json') ? jsonSpec('a') : specText(name[name.length - 6] ?? ''));
    }
    await shop.watchAndSync();
    expect(shop.recorder.told).toEqual([
      'declare a.json a=v1',
      expect.stringMatching(/^declare b.yml /),
      'declare z/c.yaml c=v1',
      'declare z/y/d.yaml d=v1',
      'synced',
    ]);
  });

  it('passes over what editors and copying programs leave behind, and hidden folders', async () => {
    const left = [
      '.a.yaml',
      'a.yaml~',
      'a.yaml.tmp',
      '.a.yaml.swp',
      'a.yaml.bak',
      '#a.yaml#',
      'a.yaml.123',
      'notes.txt',
    ];
    for (const name of [...left, '.git/b.yaml', '..2026_01/c.yaml']) shop.write(name, specText('wrong'));
    shop.write('right.yaml', specText('right'));
    await shop.watchAndSync();
    expect(shop.recorder.told).toEqual(['declare right.yaml right=v1', 'synced']);
    for (const name of left) shop.write(name, specText('wrong', 2));
    shop.moveIn('last.yaml', specText('last'));
    await shows({ 'right.yaml': 'right=v1', 'last.yaml': 'last=v1' });
  });

  it('is synced only when a file that was being written is complete', async () => {
    const text = specText('slow');
    shop.write('slow.yaml', text.slice(0, 100));
    await shop.watch({ settleMs: 1000 });
    appendFileSync(shop.path('slow.yaml'), text.slice(100));
    await until(() => expect(shop.recorder.told).toEqual(['declare slow.yaml slow=v1', 'synced']));
  });

  it('is synced although somebody never stops writing to a file, and says so', async () => {
    shop.write('log.yaml', 'x');
    // In a process of its own: when this one stands still, what it writes does, too.
    const writing = spawn('/bin/sh', ['-c', 'while printf x >>"$0"; do sleep 0.01; done', shop.path('log.yaml')]);
    await until(() => expect(statSync(shop.path('log.yaml')).size).toBeGreaterThan(1));
    await shop.watchAndSync({ settleMs: 100 });
    writing.kill('SIGKILL');
    expect(shop.recorder.told[0]).toMatch(/^declare log.yaml ! this file is still being written/);
  });
});

const jsonSpec = (name: string): string =>
  JSON.stringify({
    apiVersion: 'hob.dev/v1alpha1',
    kind: 'Container',
    metadata: { name, labels: { version: 'v1' } },
    spec: { rootfs: { path: '/srv' }, command: ['/bin/true'], args: ['v1'] },
  });

describe('a file that is put into place complete', () => {
  it('is declared without waiting: moved in', async () => {
    await shop.watchAndSync(never);
    shop.moveIn('a.yaml', specText('a'));
    await shows({ 'a.yaml': 'a=v1' });
  });

  it('is declared without waiting: moved over another, again and again', async () => {
    await shop.watchAndSync(never);
    for (const version of [1, 2, 3, 4, 5]) {
      shop.moveIn('a.yaml', specText('a', version));
      await shows({ 'a.yaml': `a=v${version}` });
    }
  });

  it('is declared without waiting: linked in, and renamed within the folder', async () => {
    await shop.watchAndSync(never);
    writeFileSync(join(shop.base, 'a'), specText('a'));
    linkSync(join(shop.base, 'a'), shop.path('a.yaml'));
    shop.write('b.yaml.tmp', specText('b'));
    renameSync(shop.path('b.yaml.tmp'), shop.path('b.yaml'));
    await shows({ 'a.yaml': 'a=v1', 'b.yaml': 'b=v1' });
  });

  it('is declared without waiting: into a sub-folder that was made a moment ago', async () => {
    await shop.watchAndSync(never);
    mkdirSync(shop.path('sub'));
    await meanwhile(1000);
    shop.moveIn('sub/a.yaml', specText('a'));
    await shows({ 'sub/a.yaml': 'a=v1' });
  });

  it('is not taken for complete when somebody still has it open for writing', async () => {
    await shop.watchAndSync({ settleMs: 500 });
    const text = specText('a');
    const fd = openSync(join(shop.base, 'staged'), 'w');
    writeSync(fd, text.slice(0, 200));
    renameSync(join(shop.base, 'staged'), shop.path('a.yaml'));
    await meanwhile(100);
    writeSync(fd, text.slice(200));
    closeSync(fd);
    await shows({ 'a.yaml': 'a=v1' });
    expect(shop.recorder.toldOf('a.yaml')).toHaveLength(1);
  });

  it('is declared, a hundred at once', async () => {
    await shop.watchAndSync(never);
    const expected: Record<string, string> = {};
    for (let i = 0; i < 100; i++) {
      shop.moveIn(`f${i}.yaml`, specText(`c${i}`));
      expected[`f${i}.yaml`] = `c${i}=v1`;
    }
    await shows(expected);
  });

  it('is seen although it has the size and the time of the one it replaces', async () => {
    shop.write('a.yaml', specText('a', 1));
    await shop.watchAndSync();
    const { atime, mtime } = statSync(shop.path('a.yaml'));
    const staged = join(shop.base, 'same');
    writeFileSync(staged, specText('a', 2));
    utimesSync(staged, atime, mtime);
    renameSync(staged, shop.path('a.yaml'));
    await shows({ 'a.yaml': 'a=v2' });
  });
});

describe('a file that is written where it is', () => {
  /** The recorder fails when it is told half a spec; mistakes would be half a one, too. */
  const inPieces = async (name: string, text: string, flags: string, pauseMs: number) => {
    const fd = openSync(shop.path(name), flags);
    for (let at = 0; at < text.length; at += 100) {
      writeSync(fd, text.slice(at, at + 100));
      await meanwhile(pauseMs);
    }
    closeSync(fd);
  };

  it('is read when it is complete, however many pieces it comes in', async () => {
    await shop.watchAndSync({ settleMs: 400 });
    await inPieces('a.yaml', specText('a'), 'w', 200);
    await shows({ 'a.yaml': 'a=v1' });
    expect(shop.recorder.told).toEqual(['synced', 'declare a.yaml a=v1']);
  });

  it('is not read after it was truncated, until it is complete again', async () => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync({ settleMs: 400 });
    await inPieces('a.yaml', specText('a', 2), 'w', 200);
    await shows({ 'a.yaml': 'a=v2' });
    expect(shop.recorder.toldOf('a.yaml')).toEqual(['declare a.yaml a=v1', 'declare a.yaml a=v2']);
  });

  it('is not read while other work holds up the event loop between two pieces', async () => {
    await shop.watchAndSync({ settleMs: 150 });
    const text = specText('a');
    const fd = openSync(shop.path('a.yaml'), 'w');
    writeSync(fd, text.slice(0, 200));
    await meanwhile(50);
    for (const end = performance.now() + 400; performance.now() < end;);
    writeSync(fd, text.slice(200));
    closeSync(fd);
    await shows({ 'a.yaml': 'a=v1' });
    expect(shop.recorder.toldOf('a.yaml')).toHaveLength(1);
  });

  it('is not declared again when it says the same', async () => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync({ settleMs: 30 });
    utimesSync(shop.path('a.yaml'), new Date(), new Date());
    shop.write('a.yaml', specText('a'));
    shop.moveIn('a.yaml', specText('a'));
    await meanwhile(300);
    shop.moveIn('b.yaml', specText('b'));
    await shows({ 'a.yaml': 'a=v1', 'b.yaml': 'b=v1' });
    expect(shop.recorder.toldOf('a.yaml')).toHaveLength(1);
  });

  it('says what is wrong with it, and is declared when it is mended', async () => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync();
    shop.write('a.yaml', specText('a', 2).replace('rootfs:', 'rotfs:'));
    await until(() => expect(shop.recorder.mistakes.get('a.yaml')).toContain('did you mean rootfs'));
    expect(shop.recorder.state.get('a.yaml')).toBe('a=v1');
    shop.write('a.yaml', specText('a', 3));
    await shows({ 'a.yaml': 'a=v3' });
    expect(shop.recorder.withdrawn).toEqual([]);
  });
});

describe('editors', () => {
  const saves: Record<string, (path: string, text: string) => void> = {
    'in place': (path, text) => writeFileSync(path, text),
    'to a temporary file that replaces it': (path, text) => {
      writeFileSync(`${path}.123456`, text);
      renameSync(`${path}.123456`, path);
    },
    'anew, with the old one moved aside': (path, text) => {
      writeFileSync(join(path, '../4913'), '');
      unlinkSync(join(path, '../4913'));
      renameSync(path, `${path}~`);
      writeFileSync(path, text);
      chmodSync(path, 0o644);
      unlinkSync(`${path}~`);
    },
    'anew, with the old one removed first': (path, text) => {
      unlinkSync(path);
      writeFileSync(path, text);
    },
  };

  it.each(Object.keys(saves))('save %s, and nothing is withdrawn', async (how) => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync({ removeMs: 60 });
    saves[how]?.(shop.path('a.yaml'), specText('a', 2));
    await shows({ 'a.yaml': 'a=v2' });
    await meanwhile(250);
    expect(shop.recorder.toldOf('a.yaml')).toEqual(['declare a.yaml a=v1', 'declare a.yaml a=v2']);
  });
});

describe('a file that goes', () => {
  it('is withdrawn', async () => {
    for (const name of ['a', 'b']) shop.write(`${name}.yaml`, specText(name));
    await shop.watchAndSync();
    unlinkSync(shop.path('a.yaml'));
    await shows({ 'b.yaml': 'b=v1' });
    expect(shop.recorder.withdrawn).toEqual(['withdraw a.yaml']);
  });

  it('is withdrawn after its new name is declared, when it was renamed', async () => {
    shop.write('a.yaml', specText('web'));
    await shop.watchAndSync();
    renameSync(shop.path('a.yaml'), shop.path('b.yaml'));
    await shows({ 'b.yaml': 'web=v1' });
    expect(shop.recorder.told.slice(2)).toEqual(['declare b.yaml web=v1', 'withdraw a.yaml']);
  });

  it('is not withdrawn when it is back soon', async () => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync({ removeMs: 1000 });
    renameSync(shop.path('a.yaml'), join(shop.base, 'aside'));
    await meanwhile(200);
    renameSync(join(shop.base, 'aside'), shop.path('a.yaml'));
    await meanwhile(1500);
    expect(shop.recorder.told).toEqual(['declare a.yaml a=v1', 'synced']);
  });

  it('is withdrawn with all the others, when the folder is emptied', async () => {
    for (const name of ['a', 'b', 'sub/c']) shop.write(`${name}.yaml`, specText(name.slice(-1)));
    await shop.watchAndSync();
    execFileSync('sh', ['-c', `rm -rf ${shop.folder}/*`]);
    await shows({});
    expect(shop.recorder.unavailableFor).toBeUndefined();
  });
});

describe('what has the name of a spec and is none', () => {
  const server = createServer();
  afterEach(() => void server.close());

  const oddities: [string, (path: string) => unknown, RegExp][] = [
    ['a folder', (path) => mkdirSync(path), /is a folder/],
    ['a FIFO', (path) => mkfifo(path, 0o600), /is a FIFO/],
    ['a socket', (path) => new Promise((resolve) => server.listen(path, () => resolve(undefined))), /is a socket/],
    ['a device', (path) => symlinkSync('/dev/zero', path), /is a device/],
    ['too big', (path) => writeFileSync(path, specText('a') + '#'.repeat(1024 * 1024)), /has 1\d{6} bytes/],
    ['binary', (path) => writeFileSync(path, Buffer.from([0x7f, 0x45, 0, 0xff])), /not text/],
    ['empty', (path) => writeFileSync(path, ''), /\w/],
    ['a link to nothing', (path) => symlinkSync('nothing', path), /link to something that does not exist/],
    ['a link to itself', (path) => symlinkSync('a.yaml', path), /ELOOP/],
    ['writable by others', (path) => (writeFileSync(path, specText('a', 2)), chmodSync(path, 0o666)), /chmod go-w/],
  ];

  it.each(oddities)('is a mistake, and what was declared before stays: %s', async (_what, make, why) => {
    shop.write('a.yaml', specText('a'));
    await shop.watchAndSync({ removeMs: 60 });
    unlinkSync(shop.path('a.yaml'));
    await make(shop.path('a.yaml'));
    await until(() => expect(shop.recorder.mistakes.get('a.yaml')).toMatch(why));
    await meanwhile(250);
    expect(shop.recorder.withdrawn).toEqual([]);
    rmSync(shop.path('a.yaml'), { recursive: true });
    shop.moveIn('a.yaml', specText('a', 3));
    await shows({ 'a.yaml': 'a=v3' });
  });

  it('is told once, by the first look and by none of the later ones', async () => {
    mkdirSync(shop.path('a.yaml'));
    symlinkSync('nothing', shop.path('b.yaml'));
    shop.write('c.yaml', specText('c'));
    chmodSync(shop.path('c.yaml'), 0o622);
    await shop.watchAndSync({ rescanSeconds: 0.2 });
    await meanwhile(1000);
    expect(shop.recorder.told).toHaveLength(4);
  });

  it('is refused when others may write to its folder, until they may not', async () => {
    shop.write('sub/a.yaml', specText('a'));
    await shop.watchAndSync();
    chmodSync(shop.path('sub'), 0o777);
    await until(() => expect(shop.recorder.mistakes.get('sub/a.yaml')).toContain(`chmod go-w ${shop.path('sub')}`));
    chmodSync(shop.path('sub'), 0o755);
    await until(() => expect(shop.recorder.mistakes.size).toBe(0));
    expect(shop.recorder.state.get('sub/a.yaml')).toBe('a=v1');
  });

  it('is read when it can be, if it could not be opened', async () => {
    shop.write('a.yaml', specText('a'));
    chmodSync(shop.path('a.yaml'), 0o600);
    await asNobody(async () => {
      await shop.watchAndSync();
      expect(shop.recorder.mistakes.get('a.yaml')).toMatch(/may not be read by the user hob runs as \(EACCES\)/);
      asRoot(() => chmodSync(shop.path('a.yaml'), 0o644));
      await shows({ 'a.yaml': 'a=v1' });
    });
  });
});
