/** What Dobby's start state (`IDobbyStartState`) offers to postConstruction, seen from inside of containers. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MountFlags } from '../../../src/hooks/plugin.ts';
import { putShellPlugin, untilEvent } from '../../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../../support/hob.ts';
import { callOf, putTraced, storyOf, untilHook } from '../../support/traced-plugins.ts';

const hob = testHob();

beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const stays = 'trap "exit 0" TERM; while true; do sleep 0.1; done';

/** A file of the host with this text, open in the plugin; its name has the directory of the test in it. */
const open = (name: string, text: string): string => `
  fs.writeFileSync('${hob.dir}/${name}', '${text}');
  const ${name} = fs.openSync('${hob.dir}/${name}');`;

/** A plugin that runs these statements at postConstruction. */
const put = (name: string, statements: string): void => putTraced(hob, name, 1, { postConstruction: statements });

/** Start a container with these plugins; it executes the script and then stays. */
function drop(name: string, script: string, plugins: readonly (string | object)[], more: object = {}): void {
  const uses = plugins.map((use) => (typeof use === 'string' ? { name: use } : use));
  hob.drop(name, { command: ['/bin/sh', '-c', `${script}; echo done; ${stays}`], plugins: uses, ...more });
}

/** What the script of a container says. */
async function said(name: string): Promise<string[]> {
  let log = '';
  await untilTrue(
    `${name} has said all`,
    () => (log = hob.tryCli('logs', name).stdout).includes('done\n'),
    () => hob.output().slice(-4000),
  );
  return log.split('\n').slice(0, -2);
}

const answers = async (name: string, plugin = name): Promise<unknown> => {
  await untilHook(hob, name, plugin, 'postConstruction');
  return callOf(hob, name, plugin, 'postConstruction').noted;
};

async function remove(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
}

/** How often hob, the threads of its plugins with it, holds a file open. */
const openInHob = (file: string): number =>
  readdirSync(`/proc/${hob.pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${hob.pid}/fd/${fd}`) === join(hob.dir, file);
    } catch {
      return false;
    }
  }).length;
/** Statements of a plugin that note the same. */
const notesOpen = (file: string): string => `
  const links = fs.readdirSync('/proc/self/fd').map((fd) => { try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } });
  note({ open: links.filter((link) => link === '${hob.dir}/${file}').length });`;

interface OciMount {
  readonly source?: string;
  readonly destination: string;
  readonly options?: readonly string[];
}
interface OciConfig {
  readonly process: { readonly env: readonly string[] };
  readonly mounts: readonly OciMount[];
}
/** What crun got. */
const configOf = (name: string): OciConfig =>
  JSON.parse(readFileSync(join(hob.dir, 'run/instances', name, 'config.json'), 'utf8')) as OciConfig;

describe('2 addFileDescriptor', () => {
  it('2 addFileDescriptor: the container has the descriptors under the numbers that were answered, from 3, in call order', async () => {
    put(
      'fds',
      `${open('one', 'first')} ${open('two', 'second')}
      note({ numbers: [startState.addFileDescriptor('fds', one), startState.addFileDescriptor('fds', two)] });
      fs.closeSync(one); fs.closeSync(two);`,
    );
    drop('fds', 'cat <&3; echo; cat <&4; echo; ls /proc/self/fd', ['fds']);
    expect((await said('fds')).slice(0, 2)).toEqual(['first', 'second']);
    expect(await answers('fds')).toEqual({ numbers: [3, 4] });
    await remove('fds');
  });

  it('2 addFileDescriptor: a duplicate is kept: the plugin closes its own, and the same one twice gets two numbers', async () => {
    put(
      'twice',
      `${open('same', 'shared')}
      note({ numbers: [startState.addFileDescriptor('twice', same), startState.addFileDescriptor('twice', same)] });
      fs.closeSync(same);`,
    );
    drop('twice', 'cat <&3; echo; cat <&4 && echo', ['twice']);
    // Duplicates share their offset: the second finds the file read.
    expect(await said('twice')).toEqual(['shared', '']);
    expect(await answers('twice')).toEqual({ numbers: [3, 4] });
    await remove('twice');
  });

  it('2 addFileDescriptor: one that is closed, or was never open, is refused with -1', async () => {
    put(
      'closed',
      `${open('shut', 'x')} fs.closeSync(shut);
      note({ numbers: [shut, 9999, -1].map((fd) => startState.addFileDescriptor('closed', fd)) });`,
    );
    drop('closed', 'ls /proc/self/fd', ['closed']);
    expect(await answers('closed')).toEqual({ numbers: [-1, -1, -1] });
    expect((await said('closed')).filter((fd) => Number(fd) > 3)).toEqual([]);
    await remove('closed');
  });

  it('2 addFileDescriptor: one without close-on-exec is refused with -1', async () => {
    // Node opens everything close-on-exec.
    put(
      'leaky',
      `${open('leak', 'x')}
      const fcntl = { arguments: ['int32', 'int32', 'int32'], return: 'int32' };
      const F_SETFD = 2;
      process.getBuiltinModule('node:ffi').dlopen(null, { fcntl }).functions.fcntl(leak, F_SETFD, 0);
      note({ number: startState.addFileDescriptor('leaky', leak) });
      fs.closeSync(leak);`,
    );
    drop('leaky', 'true', ['leaky']);
    expect(await answers('leaky')).toEqual({ number: -1 });
    await untilTrue('its author is told', () => /not close-on-exec/.test(hob.output()));
    await remove('leaky');
  });

  it('2 addFileDescriptor: a socket arrives like a file', async () => {
    put(
      'socket',
      `const net = await import('node:net');
      const server = net.createServer({ pauseOnConnect: true }).listen('${hob.dir}/socket');
      net.connect('${hob.dir}/socket').end('by socket');
      const peer = await new Promise((resolve) => server.once('connection', resolve));
      note({ number: startState.addFileDescriptor('socket', peer._handle.fd) });
      peer.destroy();
      server.close();`,
    );
    drop('socket', 'cat <&3; echo', ['socket']);
    expect(await answers('socket')).toEqual({ number: 3 });
    expect(await said('socket')).toEqual(['by socket']);
    await remove('socket');
  });

  it('2 addFileDescriptor: hob closes its duplicates when the container has started', async () => {
    put(
      'closes',
      `${open('handed', 'over')} startState.addFileDescriptor('closes', handed);
      fs.closeSync(handed); ${notesOpen('handed')}`,
    );
    drop('closes', 'cat <&3; echo', ['closes']);
    expect(await said('closes')).toEqual(['over']);
    expect(await answers('closes')).toEqual({ open: 1 });
    await untilTrue('hob holds it no more', () => openInHob('handed') === 0);
    await remove('closes');
  });

  it('2 addFileDescriptor: hob closes its duplicates when postConstruction has failed (0.3 #12-fail)', async () => {
    put(
      'fails',
      `${open('lost', 'x')} startState.addFileDescriptor('fails', lost);
      fs.closeSync(lost); ${notesOpen('lost')} throw new Error('after all');`,
    );
    drop('fails', 'true', ['fails']);
    await untilEvent(hob, 'default/fails', 'BackOff', /./);
    expect(await answers('fails')).toEqual({ open: 1 });
    await untilTrue('hob holds it no more', () => openInHob('lost') === 0);
    await remove('fails');
  });
});

describe('2 files', () => {
  it('2 files(): all descriptors in order; files(name): those recorded under it; each open in the plugin', async () => {
    put(
      'lists',
      `${open('alpha', 'a')} ${open('beta', 'b')}
      startState.addFileDescriptor('mine', alpha);
      startState.addFileDescriptor('theirs', beta);
      startState.addFileDescriptor('mine', beta);
      const contents = (fds) => fds.map((fd) => fs.readlinkSync('/proc/self/fd/' + fd).split('/').at(-1));
      note({ all: contents(startState.files()), mine: contents(startState.files('mine')),
        theirs: contents(startState.files('theirs')), nobody: startState.files('nobody') });
      fs.closeSync(alpha); fs.closeSync(beta);`,
    );
    drop('lists', 'true', ['lists']);
    expect(await answers('lists')).toEqual({
      all: ['alpha', 'beta', 'beta'],
      mine: ['alpha', 'beta'],
      theirs: ['beta'],
      nobody: [],
    });
    await remove('lists');
  });

  it('2 numbering: goes on from plugin to plugin, in the order of the spec (Dobby: the caller’s come first; a hob spec has none)', async () => {
    for (const name of ['later', 'earlier'])
      put(
        name,
        `${open(`of_${name}`, name)}
        note({ before: startState.files().length, number: startState.addFileDescriptor('${name}', of_${name}) });
        fs.closeSync(of_${name});`,
      );
    drop('numbering', 'cat <&3; echo; cat <&4; echo', ['later', 'earlier']);
    expect(await said('numbering')).toEqual(['later', 'earlier']);
    expect(await answers('numbering', 'later')).toEqual({ before: 0, number: 3 });
    expect(await answers('numbering', 'earlier')).toEqual({ before: 1, number: 4 });
    await remove('numbering');
  });
});

describe('2 addEnvironmentVariable', () => {
  it('2 addEnvironmentVariable: is in the environment of the command, whatever is in the value', async () => {
    put(
      'env',
      `note({ taken: [startState.addEnvironmentVariable('PLAIN=1'), startState.addEnvironmentVariable('ODD=a=b "c" $d'),
      startState.addEnvironmentVariable('EMPTY=')] });`,
    );
    drop('env', 'echo "$PLAIN|$ODD|$EMPTY|${EMPTY-unset}"', ['env']);
    expect(await said('env')).toEqual(['1|a=b "c" $d||']);
    expect(await answers('env')).toEqual({ taken: [true, true, true] });
    await remove('env');
  });

  it('2 addEnvironmentVariable: the same twice, by one plugin or by two, is there once', async () => {
    for (const name of ['env-a', 'env-b'])
      put(name, `note({ taken: [1, 2].map(() => startState.addEnvironmentVariable('ONCE=yes')) });`);
    drop('once', 'echo $ONCE', ['env-a', 'env-b']);
    expect(await said('once')).toEqual(['yes']);
    expect(configOf('once').process.env.filter((each) => each.startsWith('ONCE'))).toEqual(['ONCE=yes']);
    expect(await answers('once', 'env-b')).toEqual({ taken: [true, true] });
    await remove('once');
  });

  it('2 addEnvironmentVariable: another value for a name is a failure that names both plugins (Dobby leaves both in)', async () => {
    put('says-1', `startState.addEnvironmentVariable('A=1');`);
    put('says-2', `startState.addEnvironmentVariable('A=2');`);
    drop('quarrel', 'true', ['says-1', 'says-2']);
    await untilEvent(
      hob,
      'default/quarrel',
      'Conflict',
      /plugins says-1 and says-2 both add the environment variable A/,
    );
    await untilEvent(hob, 'default/quarrel', 'BackOff', /./);
    await remove('quarrel');
  });

  it('2 addEnvironmentVariable: what is not NAME=value is refused with false (Dobby takes everything)', async () => {
    put(
      'no-env',
      `note({ taken: ['NAME', '', '=value', 'NUL=\\0'].map((each) => startState.addEnvironmentVariable(each)) });`,
    );
    drop('no-env', 'env', ['no-env']);
    expect(await answers('no-env')).toEqual({ taken: [false, false, false, false] });
    expect((await said('no-env')).filter((line) => /^(NAME|NUL|=)/.test(line))).toEqual([]);
    await remove('no-env');
  });
});

describe('2 addMount', () => {
  it('2 addMount: a bind mount and a tmpfs are there, with the flags that were asked for', async () => {
    const flags = MountFlags.MS_BIND | MountFlags.MS_RDONLY | MountFlags.MS_NOSUID | MountFlags.MS_NODEV;
    put(
      'mounts',
      `fs.mkdirSync('${hob.dir}/shared', { recursive: true }); fs.writeFileSync('${hob.dir}/shared/file', 'from the host\\n');
      note({ taken: [
        startState.addMount('${hob.dir}/shared', '/mnt/shared', '', ${flags}),
        startState.addMount('tmpfs', '/mnt/tmp', 'tmpfs', ${MountFlags.MS_NOEXEC}, ['size=64k']),
      ] });`,
    );
    drop('mounts', 'cat /mnt/shared/file; grep " /mnt/" /proc/self/mountinfo', ['mounts']);
    expect(await answers('mounts')).toEqual({ taken: [true, true] });
    const [text, ...mounts] = await said('mounts');
    expect(text).toBe('from the host');
    expect(mounts.find((line) => line.includes(' /mnt/shared '))).toMatch(/ \/mnt\/shared ro,nosuid,nodev/);
    expect(mounts.find((line) => line.includes(' /mnt/tmp '))).toMatch(/ \/mnt\/tmp \S*noexec.* - tmpfs .*size=64k/);
    await remove('mounts');
  });

  it('2 addMount: options first, then those of the flags in Dobby’s order; MS_BIND with MS_REC is rbind', async () => {
    const { MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_SYNCHRONOUS, MS_DIRSYNC, MS_NODIRATIME } = MountFlags;
    const { MS_BIND, MS_REC, MS_NOATIME, MS_RELATIME, MS_STRICTATIME } = MountFlags;
    const many = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NODIRATIME;
    // The kernel refuses two opinions on access times in one mount, so they come in three.
    put(
      'flags',
      `startState.addMount('tmpfs', '/mnt/all', 'tmpfs', ${many | MS_RELATIME}, ['mode=700']);
      startState.addMount('tmpfs', '/mnt/no', 'tmpfs', ${MS_NODEV | MS_NOATIME});
      startState.addMount('tmpfs', '/mnt/strict', 'tmpfs', ${MS_NODEV | MS_STRICTATIME});
      startState.addMount('${hob.dir}', '/mnt/tree', '', ${MS_BIND | MS_REC | MS_RDONLY});`,
    );
    drop('flags', 'true', ['flags']);
    await said('flags');
    const optionsAt = (place: string) =>
      configOf('flags').mounts.find(({ destination }) => destination === place)?.options;
    const inOrder = 'ro sync nosuid dirsync nodiratime relatime noexec nodev'.split(' ');
    expect(optionsAt('/mnt/all')).toEqual(['mode=700', ...inOrder]);
    expect(optionsAt('/mnt/no')).toEqual(['nodev', 'noatime']);
    expect(optionsAt('/mnt/strict')).toEqual(['nodev', 'strictatime']);
    expect(optionsAt('/mnt/tree')).toEqual(['rbind', 'ro']);
    await remove('flags');
  });

  it('2 addMount: bits that no option stands for are ignored with a warning', async () => {
    put(
      'left-over',
      `note({ taken: startState.addMount('tmpfs', '/mnt/odd', 'tmpfs', 0x40 | ${MountFlags.MS_NODEV}) });`,
    );
    drop('left-over', 'grep -c " /mnt/odd " /proc/self/mountinfo', ['left-over']);
    expect(await said('left-over')).toEqual(['1']);
    expect(await answers('left-over')).toEqual({ taken: true });
    const warning = /mount at \/mnt\/odd has flags that no OCI mount option stands for.*0x40/;
    await untilTrue('its author is told', () => warning.test(hob.output()));
    await remove('left-over');
  });

  it('2 addMount: the same source at the same place twice, by one plugin or by two, is one mount', async () => {
    for (const name of ['mount-a', 'mount-b'])
      put(
        name,
        `note({ taken: [1, 2].map(() => startState.addMount('${hob.dir}', '/mnt/once', '', ${MountFlags.MS_BIND})) });`,
      );
    drop('mount-once', 'grep -c " /mnt/once " /proc/self/mountinfo', ['mount-a', 'mount-b']);
    expect(await said('mount-once')).toEqual(['1']);
    expect(await answers('mount-once', 'mount-b')).toEqual({ taken: [true, true] });
    await remove('mount-once');
  });

  it('2 addMount: another source at the same place is a failure that names both plugins (Dobby mounts both)', async () => {
    put('binds', `startState.addMount('${hob.dir}', '/mnt/x', '', ${MountFlags.MS_BIND});`);
    put('tmpfses', `startState.addMount('tmpfs', '/mnt/x', 'tmpfs');`);
    drop('mount-quarrel', 'true', ['binds', 'tmpfses']);
    await untilEvent(
      hob,
      'default/mount-quarrel',
      'Conflict',
      /plugins binds and tmpfses both add the mount at \/mnt\/x/,
    );
    await remove('mount-quarrel');
  });

  it('2 addMount: on / and on what is no absolute path is refused with false (Dobby checks no path)', async () => {
    put(
      'no-mount',
      `note({ taken: ['/', '//', 'mnt', '/mnt/../..', ''].map((target) => startState.addMount('tmpfs', target, 'tmpfs')) });`,
    );
    drop('no-mount', 'true', ['no-mount']);
    expect(await answers('no-mount')).toEqual({ taken: [false, false, false, false, false] });
    expect(await said('no-mount')).toEqual([]);
    await remove('no-mount');
  });

  it('2 addMount: a mount of the spec without a source is no obstacle (Dobby crashes on one)', async () => {
    put('beside', `startState.addMount('tmpfs', '/mnt/beside', 'tmpfs');`);
    const ociPatch = {
      mounts: [
        { destination: '/proc', type: 'proc' },
        { destination: '/mnt', type: 'tmpfs' },
      ],
    };
    drop('no-source', 'echo runs', ['beside'], { ociPatch });
    expect(await said('no-source')).toEqual(['runs']);
    await remove('no-source');
  });
});

describe('2: the start state', () => {
  it('2: is for several hooks at a time: no addition of asynchronous ones is lost', async () => {
    const adds = (name: string): string => `for (let i = 0; i < 20; i++) {
      startState.addEnvironmentVariable('${name}_' + i + '=x'); await delay(1); }`;
    for (const name of ['async_a', 'async_b']) putTraced(hob, name, 1 << 16, { postConstruction: adds(name) });
    drop('threads', 'env | grep -c ^async_', ['async_a', 'async_b']);
    expect(await said('threads')).toEqual(['40']);
    await remove('threads');
  });

  it('2: takes nothing after its postConstruction call (Dobby frees it with the start)', async () => {
    put(
      'late',
      `setTimeout(() => note({ late: [startState.addEnvironmentVariable('LATE=1'), startState.addMount('tmpfs', '/mnt/late', 'tmpfs')] }), 1);`,
    );
    drop('late', 'env', ['late']);
    expect((await said('late')).filter((line) => line.startsWith('LATE'))).toEqual([]);
    await untilTrue('it tried', () => callOf(hob, 'late', 'late', 'postConstruction').noted['late'] !== undefined);
    expect(await answers('late')).toEqual({ late: [false, false] });
    await remove('late');
  });

  it('2: what a plugin that fails and is not required has added is left out', async () => {
    put(
      'gives-up',
      `startState.addEnvironmentVariable('GIVEN_UP=1'); startState.addMount('tmpfs', '/mnt/up', 'tmpfs'); throw new Error('no');`,
    );
    await untilTrue('the plugin is there', () => hob.output().includes('plugin gives-up is ready'));
    drop('gives-up', 'env; grep -c " /mnt/up " /proc/self/mountinfo', [{ name: 'gives-up', required: false }]);
    const lines = await said('gives-up');
    expect(lines.filter((line) => line.startsWith('GIVEN_UP'))).toEqual([]);
    expect(lines.at(-1)).toBe('0');
    expect(storyOf(hob, 'gives-up')).toEqual(['gives-up postConstruction']);
    await remove('gives-up');
  });

  it('2: an executable adds environment and mounts by what it prints', async () => {
    putShellPlugin(
      hob,
      'prints',
      1,
      `*) echo '{"env": ["PRINTED=1"], "mounts": [{"source": "tmpfs", "destination": "/mnt/p", "type": "tmpfs"}]}';;`,
    );
    hob.drop('prints', {
      command: [
        '/bin/sh',
        '-c',
        `echo $PRINTED; grep -c " /mnt/p " /proc/self/mountinfo; echo done; ${runsForever[2] ?? ''}`,
      ],
      plugins: [{ name: 'prints' }],
    });
    expect(await said('prints')).toEqual(['1', '1']);
    await remove('prints');
  });
});
