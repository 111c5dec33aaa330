import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, testHob } from '../support/hob.ts';
import { nodeProgram } from '../support/node-in-container.ts';
import { dropExample, shipPlugin } from '../support/shipped-plugins.ts';

const GROUP = 30000;
const buffers = Array.from({ length: 8 }, (_, index) => [
  `/tmp/ocdmbuffer.${index}`,
  `/tmp/ocdmbuffer.${index}.admin`,
]).flat();
const paths = [...buffers, '/tmp/ocdm', '/tmp/OCDM'];
const without = (...missing: string[]) => paths.filter((path) => !missing.includes(path));

// The plugin knows its things by fixed names in /tmp, where this host may have a DRM of its own.
const hob = testHob({ privateTmp: true });
const plugins = [{ name: 'OpenCDM' }];
/** A path of hob's /tmp, for this test. */
const onHost = (path: string): string => path.replace('/tmp', hob.tmp);

const ownerAndMode = (path: string) => {
  const { uid, gid, mode } = lstatSync(onHost(path));
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
};

let server: Server | undefined;
/** The DRM's socket, served: it says who it is, and ends. */
async function serve(): Promise<void> {
  server = createServer((client) => client.end('this is the DRM')).listen(onHost('/tmp/ocdm'));
  await once(server, 'listening');
}

beforeAll(async () => {
  shipPlugin('OpenCDM', hob.plugins);
  await hob.start();
});
afterAll(() => hob.dispose());
afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  for (const path of paths) rmSync(onHost(path), { recursive: true, force: true });
});

async function remove(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (container) => container === undefined);
}

describe('the plugin OpenCDM', () => {
  let started = 0;
  /** What a new container has mounted in /tmp. */
  async function mountsOfNext(): Promise<{ name: string; mounts: { source: string }[] }> {
    const name = `c${(started += 1)}`;
    hob.drop(name, { command: runsForever, plugins });
    await hob.untilPhase(name, 'Running');
    const config = readFileSync(join(hob.dir, 'run/instances', name, 'config.json'), 'utf8');
    const { mounts } = JSON.parse(config) as { mounts: { source: string; destination: string }[] };
    await remove(name);
    return { name, mounts: mounts.filter(({ destination }) => destination.startsWith('/tmp/')) };
  }
  const mountedInNext = async () => (await mountsOfNext()).mounts.map(({ source }) => source);

  it('makes the buffers and the directory, and mounts them', async () => {
    const { mounts } = await mountsOfNext();
    const options = ['bind', 'nosuid', 'noexec', 'nodev'];
    expect(mounts).toEqual(
      without('/tmp/ocdm').map((path) => ({ source: path, destination: path, type: 'bind', options })),
    );
    expect(new Set(buffers.map(ownerAndMode))).toEqual(new Set(['0:30000 660']));
    expect(buffers.every((path) => lstatSync(onHost(path)).isFile())).toBe(true);
    expect(ownerAndMode('/tmp/OCDM')).toBe('0:30000 770');
    expect(lstatSync(onHost('/tmp/OCDM')).isDirectory()).toBe(true);
  });

  it('says that there is no socket, and goes on', async () => {
    const { name } = await mountsOfNext();
    await expect.poll(() => hob.output()).toContain(`OpenCDM: ${name} gets no /tmp/ocdm: it is not there`);
    expect(existsSync(onHost('/tmp/ocdm'))).toBe(false);
  });

  it('gives the socket of the DRM to the group, and mounts it', async () => {
    await serve();
    expect(await mountedInNext()).toEqual(paths);
    expect(ownerAndMode('/tmp/ocdm')).toBe('0:30000 760');
  });

  it('leaves the buffers that there are as they are', async () => {
    writeFileSync(onHost('/tmp/ocdmbuffer.0'), 'content', { mode: 0o600 });
    expect(await mountedInNext()).toEqual(without('/tmp/ocdm'));
    expect(ownerAndMode('/tmp/ocdmbuffer.0')).toBe('0:0 600');
    expect(readFileSync(onHost('/tmp/ocdmbuffer.0'), 'utf8')).toBe('content');
  });

  it('puts a directory right that somebody else has made', async () => {
    mkdirSync(onHost('/tmp/OCDM'), { mode: 0o777 });
    chownSync(onHost('/tmp/OCDM'), 1000, 1000);
    expect(await mountedInNext()).toContain('/tmp/OCDM');
    expect(ownerAndMode('/tmp/OCDM')).toBe('0:30000 770');
  });

  describe('does not fall for what somebody has put into /tmp:', () => {
    /** What it would be bad to hand out, or to change the owner of. In /tmp, as a hard link stays within a filesystem. */
    const [secret, secrets] = ['/tmp/secret', '/tmp/secrets'];
    beforeAll(() => {
      writeFileSync(onHost(secret), 'secret', { mode: 0o600 });
      mkdirSync(onHost(secrets), { mode: 0o700 });
    });
    afterEach(() => {
      expect(ownerAndMode(secret)).toBe('0:0 600');
      expect(ownerAndMode(secrets)).toBe('0:0 700');
    });

    const plants: readonly [string, string, (path: string) => void | Promise<void>, RegExp][] = [
      ['a link to a file', '/tmp/ocdmbuffer.3', (path) => symlinkSync(secret, path), /a symbolic link/],
      ['a link to nothing', '/tmp/ocdmbuffer.3', (path) => symlinkSync(`${secrets}/new`, path), /a symbolic link/],
      ['a hard link', '/tmp/ocdmbuffer.3.admin', (path) => linkSync(onHost(secret), path), /2 names/],
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
      [
        "somebody's own socket",
        '/tmp/ocdm',
        async (path) => {
          await serve();
          chownSync(path, 1000, GROUP);
        },
        /belongs to user 1000.*cure: chown root \/tmp\/ocdm/,
      ],
    ];
    it.each(plants)('%s', async (_what, path, plant, words) => {
      await plant(onHost(path));
      const before = ownerAndMode(path);
      const { name, mounts } = await mountsOfNext();
      expect(mounts.map(({ source }) => source)).toEqual(without(...new Set(['/tmp/ocdm', path])));
      await expect.poll(() => hob.output()).toMatch(new RegExp(`${name} gets no ${path}: it .*${words.source}`));
      expect(ownerAndMode(path)).toBe(before);
      expect(existsSync(onHost(`${secrets}/new`))).toBe(false);
    });
  });

  it.each([
    ['text', 'x', /data must be an object, not "x"/],
    ['a field', { group: 7 }, /data\.group is not a field of this plugin; it takes no data/],
  ])('refuses data, as it takes none: %s', async (_what, data, words) => {
    hob.drop('refused', { command: runsForever, plugins: [{ name: 'OpenCDM', data }] });
    await untilEvent(hob, 'default/refused', 'HookThrew', words);
    expect((await hob.untilPhase('refused', 'Backoff')).status?.startedAt).toBeUndefined();
    await remove('refused');
    expect(paths.filter((path) => existsSync(onHost(path)))).toEqual([]);
  });
});

describe('a container with the plugin OpenCDM', () => {
  const jobThatSays = async (name: string, spec: object): Promise<string[]> => {
    hob.drop(name, { restartPolicy: 'Never', plugins, ...spec });
    await hob.untilPhase(name, 'Completed');
    const said = hob.cli('logs', name).trim().split('\n');
    hob.remove(name);
    return said;
  };

  it('sees the buffers, the socket and the directory, and shares what is in them', async () => {
    await serve();
    mkdirSync(onHost('/tmp/OCDM'));
    writeFileSync(onHost('/tmp/OCDM/from-the-host'), '');
    const said = await jobThatSays('viewer', {
      command: ['/bin/sh', '-c', 'ls -ln /tmp; ls /tmp/OCDM; echo frame >/tmp/ocdmbuffer.4; cat /proc/self/mountinfo'],
    });
    const listed = (kind: string, path: string) => new RegExp(`^${kind} .* 0 +30000 .* ${path.slice('/tmp/'.length)}$`);
    for (const path of buffers) expect(said).toContainEqual(expect.stringMatching(listed('-rw-rw----', path)));
    expect(said).toContainEqual(expect.stringMatching(listed('srwxrw----', '/tmp/ocdm')));
    expect(said).toContainEqual(expect.stringMatching(listed('drwxrwx---', '/tmp/OCDM')));
    expect(said).toContain('from-the-host');
    expect(readFileSync(onHost('/tmp/ocdmbuffer.4'), 'utf8')).toBe('frame\n');
    for (const path of paths)
      expect(said).toContainEqual(
        expect.stringMatching(`${path.slice('/tmp'.length)} ${path} rw,nosuid,nodev,noexec[, ]`),
      );
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
    expect(readFileSync(onHost('/tmp/ocdmbuffer.0'), 'utf8')).toBe('frame\n');
  });

  it('shares them from a user namespace that the group is mapped into', async () => {
    const command = ['/bin/sh', '-c', 'id -u; echo frame >/tmp/ocdmbuffer.0 && echo done'];
    const userNamespace = { hostUID: 100000, hostGID: GROUP, size: 1000 };
    chmodSync(hob.dir, 0o711);
    // As on any system: there the container's root, who is nobody special outside, makes the places to mount on.
    chmodSync(join(hob.rootfs, 'tmp'), 0o1777);
    expect(await jobThatSays('mapped', { userNamespace, command })).toEqual(['0', 'done']);
    expect(statSync(onHost('/tmp/ocdmbuffer.0')).size).toBe(6);
  });

  it('runs where there is no DRM: the example', async () => {
    dropExample(hob, 'open-cdm');
    await hob.untilPhase('open-cdm', 'Running');
    await expect.poll(() => hob.cli('logs', 'open-cdm')).toContain('ocdmbuffer.7.admin');
    await expect.poll(() => hob.output()).toContain('OpenCDM: open-cdm gets no /tmp/ocdm:');
    await remove('open-cdm');
  });
});
