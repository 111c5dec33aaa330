import { describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../../src/api/container.ts';
import { parseSpecs } from '../../src/api/parse.ts';
import { capabilitiesOf } from '../../src/runtime/oci/capabilities.ts';
import { ociConfig, ociResources, resourcesUpdate, type OciInput } from '../../src/runtime/oci-config.ts';

function specOf(yaml: string): ContainerSpec {
  const head = 'apiVersion: hob.dev/v1alpha1\nkind: Container\nmetadata: {name: web}\nspec:\n';
  const root = yaml.includes('bundle:') ? '' : 'rootfs: {path: /srv/web}\ncommand: [/bin/web]\n';
  const { containers, mistakes } = parseSpecs(head + (root + yaml).replace(/^(?=.)/gm, '  '), 'f');
  expect(mistakes).toEqual([]);
  const [container] = containers;
  if (!container) throw new Error('no container');
  return container.spec;
}

const input = (yaml = '', change: Partial<OciInput> = {}): OciInput => ({
  spec: specOf(yaml),
  id: 'web',
  rootfsPath: '/run/hob/rootfs',
  readOnlyRoot: false,
  additions: { env: [], mounts: [] },
  cgroupsPath: '/hob/web',
  ...change,
});

const configOf = (yaml = '', change: Partial<OciInput> = {}) => ociConfig(input(yaml, change));
const mountsOf = (config: object): { destination: string }[] =>
  (config as { mounts: { destination: string }[] }).mounts;
const mountAt = (config: object, place: string): object | undefined =>
  mountsOf(config).find(({ destination }) => destination === place);

describe('the configuration of a container', () => {
  it('is tight where the spec says nothing', () => {
    expect(configOf()).toMatchObject({
      ociVersion: '1.0.2',
      hostname: 'web',
      root: { path: '/run/hob/rootfs', readonly: false },
      process: { args: ['/bin/web'], cwd: '/', user: { uid: 0, gid: 0 }, terminal: false, noNewPrivileges: true },
      linux: {
        cgroupsPath: '/hob/web',
        namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network'].map((type) => ({ type })),
        resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: 256 } },
      },
    });
  });

  it.each([
    ['web', 'web'],
    ['team_web', 'web'],
    [`team_${'a'.repeat(100)}`, 'a'.repeat(63)],
    [`${'a'.repeat(62)}-b`, 'a'.repeat(62)],
  ])('has a host name from its id %s', (id, hostname) => {
    expect(configOf('', { id })).toMatchObject({ hostname });
  });

  it('is plain JSON, and the same for the same input', () => {
    const config = configOf('terminal: true\nresources: {memory: 64Mi}');
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    expect(configOf('terminal: true\nresources: {memory: 64Mi}')).toEqual(config);
  });

  it.each([
    ['command: [a, b]', ['a', 'b']],
    ['command: [a]\nargs: [b, c]', ['a', 'b', 'c']],
    ['args: [b, c]', ['b', 'c']],
  ])('runs %s', (yaml, args) => {
    const spec = specOf(`bundle: {path: /b}\n${yaml}`);
    expect(configOf('', { spec: { ...spec, rootfs: { path: '/x' } } })).toMatchObject({ process: { args } });
  });

  it('takes the last of several environment entries of one name, plugins coming last', () => {
    const yaml = 'env: [{name: A, value: "1"}, {name: B, value: "x=y"}, {name: A, value: "2"}, {name: C}]';
    expect(configOf(yaml, { additions: { env: ['B=3', 'D='], mounts: [] } })).toMatchObject({
      process: { env: [expect.stringMatching(/^PATH=/), 'A=2', 'B=3', 'C=', 'D='] },
    });
  });

  it('has TERM with a terminal, unless it is given', () => {
    expect(configOf('terminal: true')).toMatchObject({
      process: { terminal: true, env: [expect.anything(), 'TERM=xterm'] },
    });
    expect(configOf('terminal: true\nenv: [{name: TERM, value: dumb}]')).toMatchObject({
      process: { env: [expect.anything(), 'TERM=dumb'] },
    });
  });

  it('binds with what is mounted below, unless the spec says how to bind', () => {
    const mounts = mountsOf(
      configOf(
        `mounts:
- {source: /a, destination: /a}
- {source: /b, destination: /b, options: [bind, ro]}
- {type: tmpfs, destination: /c, options: [size=1m]}
- {source: /dev/sda, type: ext4, destination: /d}`,
        { additions: { env: [], mounts: [{ destination: '/e', source: '/e', type: 'bind', options: ['ro'] }] } },
      ),
    );
    expect(mounts.slice(-5)).toEqual([
      { destination: '/a', source: '/a', type: 'bind', options: ['rbind'] },
      { destination: '/b', source: '/b', type: 'bind', options: ['bind', 'ro'] },
      { destination: '/c', source: 'tmpfs', type: 'tmpfs', options: ['size=1m'] },
      { destination: '/d', source: '/dev/sda', type: 'ext4', options: [] },
      { destination: '/e', source: '/e', type: 'bind', options: ['ro'] },
    ]);
  });

  it('mounts one thing at a place: what the spec or a plugin mounts takes the place of a default', () => {
    const shm = { destination: '/dev/shm/', source: 'tmpfs', type: 'tmpfs', options: ['size=1g'] };
    const mounts = mountsOf(
      configOf('mounts: [{type: tmpfs, destination: /dev}]', { additions: { env: [], mounts: [shm] } }),
    );
    const places = mounts.map(({ destination }) => destination);
    expect(places).toEqual(['/proc', '/dev', '/dev/pts', '/dev/shm/', '/dev/mqueue', '/sys', '/sys/fs/cgroup']);
    expect(mounts).toMatchObject({ 1: { options: [] }, 3: shm });
  });

  it('leaves the network namespace out for the network of the host', () => {
    const config = configOf('network: host');
    expect(config).not.toMatchObject({ linux: { namespaces: expect.arrayContaining([{ type: 'network' }]) } });
  });

  it('maps users, and does without group tty where there are too few', () => {
    const config = configOf('userNamespace: {hostUID: 1000, hostGID: 2000, size: 5}');
    expect(config).toMatchObject({
      linux: {
        namespaces: expect.arrayContaining([{ type: 'user' }]),
        uidMappings: [{ containerID: 0, hostID: 1000, size: 5 }],
        gidMappings: [{ containerID: 0, hostID: 2000, size: 5 }],
      },
    });
    expect(mountAt(config, '/dev/pts')).not.toMatchObject({ options: expect.arrayContaining(['gid=5']) });
    expect(mountAt(configOf(), '/dev/pts')).toMatchObject({ options: expect.arrayContaining(['gid=5']) });
  });

  it('is patched last, null removing', () => {
    const yaml =
      'ociPatch: {hostname: null, process: {args: [other], rlimits: null}, linux: {new: {a: 1}}}\nrlimits: [{type: RLIMIT_CORE, soft: -1, hard: -1}]';
    const config = configOf(yaml);
    expect(config).not.toHaveProperty('hostname');
    expect(config).not.toHaveProperty('process.rlimits');
    expect(config).toMatchObject({ process: { args: ['other'] }, linux: { new: { a: 1 }, cgroupsPath: '/hob/web' } });
  });
});

describe('seccomp', () => {
  const profile = {
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ names: ['setns'], action: 'SCMP_ACT_ALLOW', includes: { caps: ['CAP_SYS_ADMIN'] } }],
  };

  it('is the given profile, for the capabilities of the container', () => {
    expect(configOf('', { seccompProfile: profile })).toMatchObject({ linux: { seccomp: { syscalls: [] } } });
    expect(configOf('capabilities: {add: [SYS_ADMIN]}', { seccompProfile: profile })).toMatchObject({
      linux: { seccomp: { syscalls: [{ names: ['setns'] }] } },
    });
  });

  it('is left out when there is no profile, or when it is not wanted', () => {
    expect(configOf()).not.toHaveProperty('linux.seccomp');
    expect(configOf('seccomp: {type: Unconfined}', { seccompProfile: profile })).not.toHaveProperty('linux.seccomp');
  });
});

describe('capabilities', () => {
  const sets = (yaml: string, isRoot = true) =>
    capabilitiesOf(specOf(yaml), undefined, isRoot, () => ['KILL', 'SYSLOG']);

  it.each([
    ['add one', 'capabilities: {add: [CAP_NET_RAW]}', 10, true],
    ['drop one', 'capabilities: {drop: [CHOWN]}', 8, false],
    ['drop all but one', 'capabilities: {drop: [ALL], add: [NET_RAW]}', 1, true],
    ['add one twice', 'capabilities: {add: [NET_RAW, CAP_NET_RAW]}', 10, true],
    ['drop and add one', 'capabilities: {drop: [NET_RAW], add: [NET_RAW]}', 10, true],
  ])('%s', (_, yaml, count, hasNetRaw) => {
    const { bounding = [], effective, permitted, inheritable, ambient } = sets(yaml) ?? {};
    expect(bounding).toHaveLength(count);
    expect(bounding.includes('CAP_NET_RAW')).toBe(hasNetRaw);
    expect({ effective, permitted, inheritable, ambient }).toEqual({
      effective: bounding,
      permitted: bounding,
      inheritable: [],
      ambient: [],
    });
  });

  it('add all that hob has', () => {
    expect(sets('capabilities: {drop: [ALL], add: [ALL]}')?.bounding).toEqual(['CAP_KILL', 'CAP_SYSLOG']);
  });

  it('of a user other than root are those that are added, and last through the execution of a program', () => {
    const added = ['CAP_NET_RAW'];
    expect(sets('capabilities: {add: [NET_RAW]}', false)).toEqual({
      bounding: expect.arrayContaining(['CAP_CHOWN', 'CAP_NET_RAW']),
      effective: added,
      permitted: added,
      inheritable: added,
      ambient: added,
    });
  });

  it('follow the user of the spec', () => {
    expect(configOf('user: {uid: 7, gid: 7}')).toMatchObject({
      process: { capabilities: { effective: [], bounding: expect.any(Array) } },
    });
  });
});

describe('devices', () => {
  const node = {
    rdev: 0x102a01,
    mode: 0o20640,
    uid: 1,
    gid: 2,
    isCharacterDevice: () => true,
    isBlockDevice: () => false,
  };
  const yaml = 'devices: [{path: /dev/inside, hostPath: /dev/outside, permissions: r}]';

  it('are made like those of the host, and allowed', () => {
    const asked: string[] = [];
    const config = configOf(yaml, { statDevice: (path) => (asked.push(path), node) });
    expect(asked).toEqual(['/dev/outside']);
    expect(config).toMatchObject({
      linux: {
        devices: [{ path: '/dev/inside', type: 'c', major: 42, minor: 0x101, fileMode: 0o640, uid: 1, gid: 2 }],
        resources: {
          devices: [
            { allow: false, access: 'rwm' },
            { allow: true, type: 'c', major: 42, minor: 0x101, access: 'r' },
          ],
        },
      },
    });
  });

  it('are mounted in a user namespace, where a node that is made cannot be opened', () => {
    const config = configOf(`${yaml}\nuserNamespace: {hostUID: 1, hostGID: 1}`, { statDevice: () => node });
    expect(config).not.toHaveProperty('linux.devices');
    expect(mountAt(config, '/dev/inside')).toMatchObject({ type: 'bind', source: '/dev/outside' });
  });

  it('that are not there, or are none, are told', () => {
    expect(() => configOf('devices: [{path: /dev/no-such-thing}]')).toThrow(
      /^device \/dev\/no-such-thing is not on this host: ENOENT/,
    );
    expect(() => configOf('devices: [{path: /dev/x, hostPath: /etc}]')).toThrow(/^device \/etc is no device/);
  });
});

describe('a bundle', () => {
  const bundleConfig = {
    ociVersion: '1.1.0',
    root: { path: 'rootfs', readonly: true },
    hostname: 'bundled',
    process: {
      args: ['/bin/app', 'old'],
      env: ['A=1', 'B=2'],
      cwd: '/app',
      user: { uid: 5, gid: 5, umask: 63 },
      terminal: true,
      noNewPrivileges: false,
      capabilities: { bounding: ['CAP_KILL'], effective: ['CAP_KILL'] },
      rlimits: [
        { type: 'RLIMIT_CORE', soft: 1, hard: 1 },
        { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 },
      ],
      apparmorProfile: 'x',
    },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    hooks: { prestart: [{ path: '/x' }] },
    annotations: { a: 'b' },
    linux: {
      namespaces: [{ type: 'pid' }, { type: 'network', path: '/run/netns/x' }],
      resources: { memory: { limit: 5, reservation: 3 }, pids: { limit: 7 }, blockIO: { weight: 10 } },
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
      sysctl: { 'kernel.msgmax': '1' },
    },
  };

  it('stays as it is but for its root and its cgroup, when the spec gives nothing', () => {
    const before = structuredClone(bundleConfig);
    const config = configOf('bundle: {path: /b}', { bundleConfig, readOnlyRoot: true });
    expect(config).toEqual({
      ...bundleConfig,
      root: { path: '/run/hob/rootfs', readonly: true },
      linux: { ...bundleConfig.linux, cgroupsPath: '/hob/web' },
    });
    expect(bundleConfig).toEqual(before);
  });

  it('gives way to what the spec gives', () => {
    const yaml = `bundle: {path: /b}
args: [new]
env: [{name: B, value: "3"}]
user: {uid: 0, gid: 0}
terminal: false
noNewPrivileges: true
hostname: given
workingDir: /w
capabilities: {add: [CHOWN]}
rlimits: [{type: RLIMIT_CORE, soft: 2, hard: 2}]
mounts: [{type: tmpfs, destination: /t}]
network: none
resources: {memory: 1Mi, pids: 8}
seccomp: {type: Unconfined}
sysctls: {kernel.msgmnb: "2"}`;
    expect(configOf(yaml, { bundleConfig, seccompProfile: {} })).toEqual({
      ...bundleConfig,
      root: { path: '/run/hob/rootfs', readonly: false },
      hostname: 'given',
      process: {
        ...bundleConfig.process,
        args: ['/bin/app', 'new'],
        env: ['A=1', 'B=3'],
        cwd: '/w',
        user: { uid: 0, gid: 0 },
        terminal: false,
        noNewPrivileges: true,
        capabilities: {
          bounding: ['CAP_KILL', 'CAP_CHOWN'],
          effective: ['CAP_KILL', 'CAP_CHOWN'],
          permitted: ['CAP_KILL', 'CAP_CHOWN'],
          inheritable: [],
          ambient: [],
        },
        rlimits: [
          { type: 'RLIMIT_CORE', soft: 2, hard: 2 },
          { type: 'RLIMIT_NOFILE', soft: 1, hard: 1 },
        ],
      },
      mounts: [...bundleConfig.mounts, { destination: '/t', type: 'tmpfs', source: 'tmpfs', options: [] }],
      linux: {
        namespaces: [{ type: 'pid' }, { type: 'network' }],
        resources: {
          memory: { limit: 1048576, reservation: 3, swap: 1048576 },
          pids: { limit: 8 },
          blockIO: { weight: 10 },
        },
        sysctl: { 'kernel.msgmax': '1', 'kernel.msgmnb': '2' },
        cgroupsPath: '/hob/web',
      },
    });
  });

  it('may be almost empty', () => {
    expect(configOf('bundle: {path: /b}\ncommand: [x]', { bundleConfig: {} })).toMatchObject({
      process: { args: ['x'], cwd: '/' },
      mounts: [],
    });
  });

  it.each([
    [{ mounts: {} }, 'mounts is not a list'],
    [{ process: 5 }, 'process is not an object'],
    [{ process: { env: 'A=1' } }, 'process.env is not a list'],
    [{ linux: { namespaces: 'all' } }, 'linux.namespaces is not a list'],
  ])('of a wrong shape is told: %j', (config, message) => {
    expect(() => configOf('bundle: {path: /b}', { bundleConfig: config })).toThrow(
      `the config.json of the bundle is not valid: ${message}`,
    );
  });
});

describe('limits', () => {
  it.each([
    [{}, {}],
    [{ memory: '1Mi' }, { memory: { limit: 1048576, swap: 1048576 } }],
    [{ memory: '1Mi', swap: '1Ki' }, { memory: { limit: 1048576, swap: 1049600 } }],
    [{ cpuQuota: '250m' }, { cpu: { quota: 25000, period: 100000 } }],
    [
      { cpuQuota: 1.5, cpuShares: 10, cpus: '0-1' },
      { cpu: { quota: 150000, period: 100000, shares: 10, cpus: '0-1' } },
    ],
    [{ pids: 5 }, { pids: { limit: 5 } }],
  ])('%j', (resources, expected) => {
    expect(ociResources(resources)).toEqual(expected);
  });

  it('that go are set back', () => {
    const had = { memory: '1Mi', cpuShares: 5, cpuQuota: 1, cpus: '0', pids: 5 };
    expect(resourcesUpdate({ cpuQuota: 2 }, had, undefined, () => '0-7')).toEqual({
      memory: { limit: -1, swap: -1 },
      cpu: { shares: 1024, quota: 200000, period: 100000, cpus: '0-7' },
      pids: { limit: 256 },
    });
    expect(resourcesUpdate({ pids: 9 }, { pids: 5 })).toEqual({ pids: { limit: 9 } });
    expect(resourcesUpdate({}, {})).toEqual({ pids: { limit: 256 } });
  });

  it('that go are set back to those of the bundle', () => {
    const bundleConfig = { linux: { resources: { memory: { limit: 5 }, pids: { limit: 7 }, devices: [] } } };
    expect(resourcesUpdate({}, { memory: '1Mi', pids: 5 }, bundleConfig)).toEqual({
      memory: { limit: 5, swap: -1 },
      pids: { limit: 7 },
    });
  });
});
