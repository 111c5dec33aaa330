import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mount, MS, unmount } from '../../src/host/libc.ts';
import { RootfsError } from '../../src/rootfs/rootfs-error.ts';
import { createRootfs, type Rootfs, type RootfsRequest } from '../../src/rootfs/rootfs.ts';

let dir: string;
let lower: string;
let overlaysDir: string;
let rootfs: Rootfs;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-rootfs-'));
  overlaysDir = join(dir, 'state/overlays');
  lower = makeLower('lower');
  rootfs = createRootfs({ overlaysDir });
});
afterEach(() => {
  for (const at of mountsBelow(dir).reverse()) unmount(at, { detach: true });
  rmSync(dir, { recursive: true });
});

function makeLower(name: string): string {
  const path = join(dir, name);
  mkdirSync(join(path, 'etc'), { recursive: true });
  writeFileSync(join(path, 'etc/motd'), 'from the image');
  return path;
}

const mountsBelow = (path: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => JSON.parse(`"${(line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, unicode)}"`) as string)
    .filter((at) => at.startsWith(`${path}/`));
const unicode = (_: string, octal: string) => `\\u${Number.parseInt(octal, 8).toString(16).padStart(4, '0')}`;

const request = (more: Partial<RootfsRequest> = {}): RootfsRequest => ({
  id: 'web',
  instanceID: 'web-1',
  path: lower,
  readOnly: false,
  ...more,
});

const refusalOf = async (more: Partial<RootfsRequest>): Promise<RootfsError> => {
  const error: unknown = await rootfs.prepare(request(more)).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RootfsError) return error;
  throw new Error('no RootfsError', { cause: error });
};

describe('a read-only rootfs', () => {
  it('is the directory itself, and nothing is made for it', async () => {
    expect(await rootfs.prepare(request({ readOnly: true }))).toEqual({ path: lower });
    expect(existsSync(overlaysDir)).toBe(false);
    await rootfs.discard('web', 'web-1');
    expect(readFileSync(join(lower, 'etc/motd'), 'utf8')).toBe('from the image');
  });
});

describe('a writable rootfs', () => {
  it('shows the directory and keeps writes out of it, apart for each instance', async () => {
    const one = (await rootfs.prepare(request())).path;
    const two = (await rootfs.prepare(request({ instanceID: 'web-2' }))).path;
    writeFileSync(join(one, 'etc/motd'), 'changed');
    writeFileSync(join(one, 'new'), '');
    expect(readFileSync(join(lower, 'etc/motd'), 'utf8')).toBe('from the image');
    expect(readdirSync(two)).toEqual(['etc']);
    expect(await rootfs.list()).toEqual([
      { id: 'web', instanceID: 'web-1' },
      { id: 'web', instanceID: 'web-2' },
    ]);
  });

  it('has the owner and mode of the directory, and is closed to other users of the host', async () => {
    chownSync(lower, 0, 4321);
    chmodSync(lower, 0o1750);
    const { path } = await rootfs.prepare(request());
    expect(statSync(path)).toMatchObject({ uid: 0, gid: 4321, mode: 0o41750 });
    expect(statSync(join(overlaysDir, 'web')).mode & 0o777).toBe(0o700);
  });

  it('is found again, mounted once, when it is prepared twice', async () => {
    const { path } = await rootfs.prepare(request());
    writeFileSync(join(path, 'written'), 'before');
    expect(await createRootfs({ overlaysDir }).prepare(request())).toEqual({ path });
    expect(readFileSync(join(path, 'written'), 'utf8')).toBe('before');
    expect(mountsBelow(dir)).toEqual([path]);
  });

  it('is mounted again, with what was written, when the mount was lost', async () => {
    const { path } = await rootfs.prepare(request());
    writeFileSync(join(path, 'written'), 'before');
    unmount(path, { detach: true });
    // What a crash of the host leaves, where the overlay had no chance to take its mark away.
    mkdirSync(join(path, '../work/work/incompat/volatile'), { recursive: true });
    expect(await rootfs.prepare(request())).toEqual({ path });
    expect(readFileSync(join(path, 'written'), 'utf8')).toBe('before');
  });

  it('is reached through a link', async () => {
    symlinkSync('lower', join(dir, 'link'));
    const { path } = await rootfs.prepare(request({ path: join(dir, 'link') }));
    expect(readdirSync(path)).toEqual(['etc']);
  });

  it.each([
    'a,b',
    'a:b',
    'a\\b',
    'a\\,b',
    'a\\:,b:',
    'with space',
    'a"b',
    "a'b",
    'lower\nline',
    'ünï',
    'upperdir=x',
    '%s',
    '-o',
  ])('works on and in a directory called %j', async (name) => {
    const path = makeLower(name);
    const strange = createRootfs({ overlaysDir: join(dir, `over ${name}`) });
    const merged = (await strange.prepare(request({ path }))).path;
    writeFileSync(join(merged, 'etc/motd'), 'changed');
    expect(readFileSync(join(dir, `over ${name}`, 'web/web-1/upper/etc/motd'), 'utf8')).toBe('changed');
    expect(readFileSync(join(path, 'etc/motd'), 'utf8')).toBe('from the image');
    await strange.discard('web', 'web-1');
    expect(readdirSync(join(dir, `over ${name}`))).toEqual([]);
  });
});

describe('discarding', () => {
  it('removes mount, writes and directories, and may be repeated', async () => {
    const { path } = await rootfs.prepare(request());
    mkdirSync(join(path, 'a/b/c'), { recursive: true });
    rmSync(join(path, 'etc'), { recursive: true });
    await rootfs.discard('web', 'web-1');
    await rootfs.discard('web', 'web-1');
    expect(mountsBelow(dir)).toEqual([]);
    expect(readdirSync(overlaysDir)).toEqual([]);
    expect(readFileSync(join(lower, 'etc/motd'), 'utf8')).toBe('from the image');
    expect(await rootfs.list()).toEqual([]);
  });

  it('leaves the other instances alone', async () => {
    await rootfs.prepare(request());
    const other = (await rootfs.prepare(request({ instanceID: 'web-2' }))).path;
    await rootfs.discard('web', 'web-1');
    expect(mountsBelow(dir)).toEqual([other]);
    expect(await rootfs.list()).toEqual([{ id: 'web', instanceID: 'web-2' }]);
  });

  it('takes away what is busy, and ends it with its last user', async () => {
    const { path } = await rootfs.prepare(request());
    const child = spawn('sleep', ['60'], { cwd: path });
    await once(child, 'spawn');
    await rootfs.discard('web', 'web-1');
    expect(mountsBelow(dir)).toEqual([]);
    expect(readdirSync(overlaysDir)).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  it('does not touch what a plugin mounted in the rootfs', async () => {
    const { path } = await rootfs.prepare(request());
    const precious = makeLower('precious');
    mkdirSync(join(path, 'mnt'));
    mount({ source: precious, target: join(path, 'mnt'), flags: MS.BIND });
    await rootfs.discard('web', 'web-1');
    expect(readFileSync(join(precious, 'etc/motd'), 'utf8')).toBe('from the image');
    expect(mountsBelow(dir)).toEqual([]);
  });

  it('clears up what a prepare that was cut short left', async () => {
    mkdirSync(join(overlaysDir, 'web/web-1/upper'), { recursive: true });
    mkdirSync(join(overlaysDir, 'web/web-2'), { recursive: true });
    await rootfs.discard('web', 'web-1');
    await rootfs.discard('web', 'web-2');
    expect(readdirSync(overlaysDir)).toEqual([]);
  });

  it.each(['', '.', '..', '../web', 'a/b', '/', '-rf', 'a\0b', 'a b', 'x'.repeat(256)])(
    'refuses %j for a name',
    async (name) => {
      await expect(rootfs.discard(name, 'web-1')).rejects.toThrow('cannot name a directory');
      await expect(rootfs.discard('web', name)).rejects.toThrow('cannot name a directory');
      await expect(rootfs.prepare(request({ id: name }))).rejects.toThrow('cannot name a directory');
    },
  );
});

describe('what cannot be had is explained', () => {
  it('a directory that is not there', async () => {
    const error = await refusalOf({ path: join(dir, 'nothing'), readOnly: true });
    expect(error.reason).toBe('RootfsNotFound');
    expect(error.message).toMatch(/rootfs\.path .*nothing.*make that directory, or correct the path/);
  });

  it('a file', async () => {
    expect((await refusalOf({ path: join(lower, 'etc/motd') })).reason).toBe('RootfsNotADirectory');
  });

  it('a directory that others can change, read-only or not', async () => {
    chmodSync(lower, 0o777);
    for (const readOnly of [true, false]) {
      const error = await refusalOf({ readOnly });
      expect(error.reason).toBe('RootfsNotTrusted');
      expect(error.message).toContain(`chmod go-w ${lower}`);
    }
  });

  it('a directory of another user, unless that is root in the user namespace', async () => {
    chownSync(lower, 100_000, 100_000);
    expect((await refusalOf({})).reason).toBe('RootfsNotTrusted');
    chmodSync(dir, 0o711);
    const { path } = await rootfs.prepare(request({ mappedRootUID: 100_000 }));
    expect(statSync(path).uid).toBe(100_000);
  });

  it('a rootfs that a user namespace cannot reach', async () => {
    const error = await refusalOf({ readOnly: true, mappedRootUID: 100_000 });
    expect(error.reason).toBe('RootfsNotReachable');
    expect(error.message).toContain(`chmod o+x ${dir}`);
  });

  it('a state directory that is on an overlay itself', async () => {
    const { path } = await rootfs.prepare(request());
    rootfs = createRootfs({ overlaysDir: join(path, 'overlays') });
    const error = await refusalOf({});
    expect(error.reason).toBe('OverlayUnsupported');
    expect(error.message).toMatch(
      /state directory is on overlayfs, .*ext4.*\(--state-dir\), or set readOnlyRootfs: true$/,
    );
  });

  it('a rootfs on too many overlays', async () => {
    const first = (await rootfs.prepare(request())).path;
    const second = (await rootfs.prepare(request({ instanceID: 'web-2', path: first }))).path;
    const error = await refusalOf({ instanceID: 'web-3', path: second });
    expect(error.reason).toBe('OverlayUnsupported');
    expect(error.message).toContain('as many overlays as the kernel allows');
  });

  it('a disk that is full', async () => {
    mkdirSync(overlaysDir, { recursive: true });
    mount({ target: overlaysDir, type: 'tmpfs', data: 'nr_inodes=3' });
    const error = await refusalOf({});
    expect(error.reason).toBe('OverlayFailed');
    expect(error.message).toContain('ENOSPC');
    await rootfs.discard('web', 'web-1');
    expect(readdirSync(overlaysDir)).toEqual([]);
  });

  it('paths that the kernel would cut off', async () => {
    const deep = `${'x'.repeat(240)}/`.repeat(12);
    mkdirSync(join(dir, deep), { recursive: true });
    rootfs = createRootfs({ overlaysDir: join(dir, deep) });
    const error = await refusalOf({});
    expect(error.reason).toBe('OverlayFailed');
    expect(error.message).toContain('too long');
  });
});
