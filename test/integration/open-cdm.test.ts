import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type TestHob, testHob } from '../support/hob.ts';
import { nodeProgram } from '../support/node-in-container.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';
import { dropExample, shipPlugin } from '../support/shipped-plugins.ts';

const GROUP = 30000;
const buffers = Array.from({ length: 8 }, (_, index) => [
  `/tmp/ocdmbuffer.${index}`,
  `/tmp/ocdmbuffer.${index}.admin`,
]).flat();
const paths = [...buffers, '/tmp/ocdm', '/tmp/OCDM'];

/** What the plugin has made and nobody has used, when somebody ran the examples on this host: that may go. */
const isLeftOver = (path: string): boolean => {
  const stats = lstatSync(path);
  return stats.isDirectory() ? readdirSync(path).length === 0 : stats.isFile() && stats.size === 0;
};
const inUse = paths.filter((path) => existsSync(path) && !isLeftOver(path));
if (inUse.length > 0)
  throw new Error(
    `a DRM of this host seems to use ${inUse.join(', ')}; these tests would disturb it. If there is none, remove them`,
  );

const removeAll = (): void => paths.forEach((path) => rmSync(path, { recursive: true, force: true }));

const ownerAndMode = (path: string) => {
  const { uid, gid, mode } = lstatSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
};

let server: Server | undefined;
/** The DRM's socket, served: it says who it is, and ends. */
async function serve(): Promise<void> {
  server = createServer((client) => client.end('this is the DRM')).listen('/tmp/ocdm');
  await once(server, 'listening');
}

beforeAll(removeAll);
afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  removeAll();
});

describe('the plugin OpenCDM', () => {
  let bench: PluginBench;
  beforeAll(async () => {
    bench = pluginBench();
    shipPlugin('OpenCDM', bench.folder);
    await bench.registry.start();
  });
  afterAll(() => bench.dispose());

  const postConstruction = (data: unknown = null) => bench.run('postConstruction', [use('OpenCDM', { data })]);
  const mountedAfter = async () => {
    const { ok, additions } = await postConstruction();
    expect(ok).toBe(true);
    return additions?.mounts.map(({ source }) => source);
  };
  const without = (...missing: string[]) => paths.filter((path) => !missing.includes(path));
  const untilTold = (words: RegExp) => expect.poll(() => bench.logged).toContainEqual(expect.stringMatching(words));

  it('can be used', () => {
    expect(bench.registry.list()).toMatchObject([{ name: 'OpenCDM', hookHints: 1, state: 'ready' }]);
  });

  it('makes the buffers and the directory, and mounts them', async () => {
    const { ok, additions } = await postConstruction();
    expect(ok).toBe(true);
    const options = ['bind', 'nosuid', 'noexec', 'nodev'];
    expect(additions).toEqual({
      env: [],
      fds: [],
      mounts: without('/tmp/ocdm').map((path) => ({ source: path, destination: path, type: 'bind', options })),
    });
    expect(new Set(buffers.map(ownerAndMode))).toEqual(new Set(['0:30000 660']));
    expect(buffers.every((path) => lstatSync(path).isFile())).toBe(true);
    expect(ownerAndMode('/tmp/OCDM')).toBe('0:30000 770');
    expect(lstatSync('/tmp/OCDM').isDirectory()).toBe(true);
  });

  it('says that there is no socket, and goes on', async () => {
    await mountedAfter();
    await untilTold(/c1 gets no \/tmp\/ocdm: it is not there/);
    expect(existsSync('/tmp/ocdm')).toBe(false);
  });

  it('gives the socket of the DRM to the group, and mounts it', async () => {
    await serve();
    expect(await mountedAfter()).toEqual(paths);
    expect(ownerAndMode('/tmp/ocdm')).toBe('0:30000 760');
  });

  it('leaves the buffers that there are as they are', async () => {
    writeFileSync('/tmp/ocdmbuffer.0', 'content', { mode: 0o600 });
    expect(await mountedAfter()).toEqual(without('/tmp/ocdm'));
    expect(ownerAndMode('/tmp/ocdmbuffer.0')).toBe('0:0 600');
    expect(readFileSync('/tmp/ocdmbuffer.0', 'utf8')).toBe('content');
  });

  it('puts a directory right that somebody else has made', async () => {
    mkdirSync('/tmp/OCDM', { mode: 0o777 });
    chownSync('/tmp/OCDM', 1000, 1000);
    expect(await mountedAfter()).toContain('/tmp/OCDM');
    expect(ownerAndMode('/tmp/OCDM')).toBe('0:30000 770');
  });

  describe('does not fall for what somebody has put into /tmp:', () => {
    /** What it would be bad to hand out, or to change the owner of. In /tmp, as a hard link stays within a filesystem. */
    const own = mkdtempSync('/tmp/hob-open-cdm-');
    const [secret, secrets] = [join(own, 'file'), join(own, 'directory')];
    writeFileSync(secret, 'secret', { mode: 0o600 });
    mkdirSync(secrets, { mode: 0o700 });
    afterAll(() => rmSync(own, { recursive: true }));
    afterEach(() => {
      expect(ownerAndMode(secret)).toBe('0:0 600');
      expect(ownerAndMode(secrets)).toBe('0:0 700');
    });

    const plants: readonly [string, string, (path: string) => void, RegExp][] = [
      ['a link to a file', '/tmp/ocdmbuffer.3', (path) => symlinkSync(secret, path), /a symbolic link/],
      ['a link to nothing', '/tmp/ocdmbuffer.3', (path) => symlinkSync(join(secrets, 'new'), path), /a symbolic link/],
      ['a hard link', '/tmp/ocdmbuffer.3.admin', (path) => linkSync(secret, path), /2 names/],
      ['a directory in place of a file', '/tmp/ocdmbuffer.7', (path) => mkdirSync(path), /has to be a file/],
      ['a link in place of the socket', '/tmp/ocdm', (path) => symlinkSync(secret, path), /a symbolic link/],
      ['a file in place of the socket', '/tmp/ocdm', (path) => writeFileSync(path, ''), /has to be a socket/],
      ['a link in place of the directory', '/tmp/OCDM', (path) => symlinkSync(secrets, path), /a symbolic link/],
      ['a file in place of the directory', '/tmp/OCDM', (path) => writeFileSync(path, ''), /has to be a directory/],
      [
        "somebody's own file",
        '/tmp/ocdmbuffer.5',
        (path) => {
          writeFileSync(path, '');
          chownSync(path, 1000, 1000);
        },
        /belongs to user 1000.*cure: chown root \/tmp\/ocdmbuffer\.5/,
      ],
    ];
    it.each(plants)('%s', async (_what, path, plant, words) => {
      plant(path);
      const before = ownerAndMode(path);
      expect(await mountedAfter()).toEqual(without('/tmp/ocdm', path));
      await untilTold(new RegExp(`c1 gets no ${path}: it .*${words.source}`));
      expect(ownerAndMode(path)).toBe(before);
      expect(existsSync(join(secrets, 'new'))).toBe(false);
    });
  });

  it.each([
    ['x', 'data must be an object, not "x"'],
    [{ group: 7 }, 'data.group is not a field of this plugin; it takes no data'],
  ])('refuses data, as it takes none: %j', async (data, message) => {
    expect(await postConstruction(data)).toMatchObject({
      ok: false,
      failures: [{ reason: 'HookThrew', message: expect.stringContaining(message) }],
    });
    expect(paths.filter((path) => existsSync(path))).toEqual([]);
    expect(await postConstruction({})).toMatchObject({ ok: true });
  });
});

describe('a container with the plugin OpenCDM', () => {
  let hob: TestHob;
  beforeAll(async () => {
    hob = testHob();
    shipPlugin('OpenCDM', hob.plugins);
    await hob.start();
  });
  afterAll(() => hob.dispose());

  const plugins = [{ name: 'OpenCDM' }];
  const jobThatSays = async (name: string, spec: object): Promise<string[]> => {
    hob.drop(name, { restartPolicy: 'Never', plugins, ...spec });
    await hob.untilPhase(name, 'Completed');
    const said = hob.cli('logs', name).trim().split('\n');
    hob.remove(name);
    return said;
  };

  it('sees the buffers, the socket and the directory, and shares what is in them', async () => {
    await serve();
    mkdirSync('/tmp/OCDM');
    writeFileSync('/tmp/OCDM/from-the-host', '');
    const said = await jobThatSays('viewer', {
      command: ['/bin/sh', '-c', 'ls -ln /tmp; ls /tmp/OCDM; echo frame >/tmp/ocdmbuffer.4; cat /proc/self/mountinfo'],
    });
    const listed = (kind: string, path: string) => new RegExp(`^${kind} .* 0 +30000 .* ${path.slice('/tmp/'.length)}$`);
    for (const path of buffers) expect(said).toContainEqual(expect.stringMatching(listed('-rw-rw----', path)));
    expect(said).toContainEqual(expect.stringMatching(listed('srwxrw----', '/tmp/ocdm')));
    expect(said).toContainEqual(expect.stringMatching(listed('drwxrwx---', '/tmp/OCDM')));
    expect(said).toContain('from-the-host');
    expect(readFileSync('/tmp/ocdmbuffer.4', 'utf8')).toBe('frame\n');
    for (const path of paths)
      expect(said).toContainEqual(expect.stringMatching(`${path} ${path} rw,nosuid,nodev,noexec[, ]`));
  });

  it('can talk to the DRM', async () => {
    await serve();
    const program = `require('node:net').connect('/tmp/ocdm').on('data', (chunk) => console.log(String(chunk)))`;
    expect(await jobThatSays('client', nodeProgram(program))).toEqual(['this is the DRM']);
  });

  it('shares them as another user in the group', async () => {
    const user = { uid: 1000, gid: 1000, additionalGids: [GROUP] };
    const command = ['/bin/sh', '-c', 'echo frame >/tmp/ocdmbuffer.0 && echo done'];
    expect(await jobThatSays('member', { user, command })).toEqual(['done']);
    expect(readFileSync('/tmp/ocdmbuffer.0', 'utf8')).toBe('frame\n');
  });

  it('shares them from a user namespace that the group is mapped into', async () => {
    const command = ['/bin/sh', '-c', 'id -u; echo frame >/tmp/ocdmbuffer.0 && echo done'];
    const userNamespace = { hostUID: 100000, hostGID: GROUP, size: 1000 };
    chmodSync(hob.dir, 0o711);
    // As on any system: there the container's root, who is nobody special outside, makes the places to mount on.
    chmodSync(join(hob.rootfs, 'tmp'), 0o1777);
    expect(await jobThatSays('mapped', { userNamespace, command })).toEqual(['0', 'done']);
    expect(statSync('/tmp/ocdmbuffer.0').size).toBe(6);
  });

  it('runs where there is no DRM: the example', async () => {
    dropExample(hob, 'open-cdm');
    await hob.untilPhase('open-cdm', 'Running');
    await expect.poll(() => hob.cli('logs', 'open-cdm')).toContain('ocdmbuffer.7.admin');
    await expect.poll(() => hob.output()).toContain('OpenCDM: open-cdm gets no /tmp/ocdm:');
    hob.remove('open-cdm');
    await hob.until('open-cdm', 'is gone', (container) => container === undefined);
  });
});
