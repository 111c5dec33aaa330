/** What Dobby's start state (`IDobbyStartState`) adds to environment and mounts, seen from inside of containers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MountFlags } from '../../../src/hooks/plugin.ts';
import { putShellPlugin, untilEvent } from '../../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../../support/hob.ts';
import { startStateBench } from '../../support/start-state.ts';
import { callOf, putTraced, storyOf } from '../../support/traced-plugins.ts';

const hob = testHob();
const { put, drop, said, answers, configOf, remove } = startStateBench(hob);

beforeAll(() => hob.start());
afterAll(() => hob.dispose());

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

  it('2 addEnvironmentVariable: what the spec sets stays; another value is a failure that names the plugin (Dobby leaves both in)', async () => {
    put('says-plugin', `startState.addEnvironmentVariable('WHO=plugin');`);
    const env = [{ name: 'WHO', value: 'spec' }];
    drop('who', 'true', ['says-plugin'], { env });
    await untilEvent(
      hob,
      'default/who',
      'Conflict',
      /the spec and plugin says-plugin both add the environment variable WHO/,
    );
    await remove('who');
    drop('who', 'echo $WHO', [{ name: 'says-plugin', required: false }], { env });
    expect(await said('who')).toEqual(['spec']);
    await remove('who');
  });

  it('2 addEnvironmentVariable: what the spec sets to the same is there once; a default of hob gives way', async () => {
    put('agrees', `startState.addEnvironmentVariable('WHO=spec'); startState.addEnvironmentVariable('PATH=/bin');`);
    drop('agreed', 'true', ['agrees'], { env: [{ name: 'WHO', value: 'spec' }] });
    await said('agreed');
    expect(configOf('agreed').process.env).toEqual(['PATH=/bin', 'WHO=spec']);
    await remove('agreed');
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

  it('2 addMount: the same source with other options or type is another mount, and a failure (Dobby keeps the first)', async () => {
    put('reads', `startState.addMount('${hob.dir}', '/mnt/y', '', ${MountFlags.MS_BIND | MountFlags.MS_RDONLY});`);
    put('writes', `startState.addMount('${hob.dir}', '/mnt/y', '', ${MountFlags.MS_BIND});`);
    drop('access-quarrel', 'true', ['reads', 'writes']);
    await untilEvent(
      hob,
      'default/access-quarrel',
      'Conflict',
      /plugins reads and writes both add the mount at \/mnt\/y/,
    );
    await remove('access-quarrel');
  });

  it('2 addMount: what the spec mounts stays; another mount at its place is a failure that names the plugin, the same is there once', async () => {
    put('on-mnt', `startState.addMount('tmpfs', '/mnt/', 'tmpfs', ${MountFlags.MS_NODEV}, ['size=64k']);`);
    const mountOf = (options: string[]) => ({ mounts: [{ destination: '/mnt', type: 'tmpfs', options }] });
    drop('place', 'true', ['on-mnt'], mountOf(['size=1m']));
    await untilEvent(hob, 'default/place', 'Conflict', /the spec and plugin on-mnt both add the mount at \/mnt/);
    await remove('place');
    drop('place', 'grep -c " /mnt " /proc/self/mountinfo', ['on-mnt'], mountOf(['nodev', 'size=64k']));
    expect(await said('place')).toEqual(['1']);
    await remove('place');
  });

  it('2 addMount: at the place of a mount that hob makes by default it is there in its stead', async () => {
    put('on-shm', `startState.addMount('tmpfs', '/dev/shm', 'tmpfs', 0, ['size=128k']);`);
    drop('shm', 'grep " /dev/shm " /proc/self/mountinfo', ['on-shm']);
    expect(await said('shm')).toEqual([expect.stringContaining('size=128k')]);
    await remove('shm');
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
