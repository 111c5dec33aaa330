import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseSpecs } from '../../src/api/parse.ts';
import type { ContainerSpec } from '../../src/api/container.ts';
import { ociConfig, resourcesUpdate, type OciInput } from '../../src/runtime/oci-config.ts';
import { createSeccompCache } from '../../src/runtime/oci/seccomp-cache.ts';
import { bareCrun, type BareCrun } from '../support/bare-crun.ts';

const common: unknown = JSON.parse(readFileSync('/usr/share/containers/seccomp.json', 'utf8'));

let crun: BareCrun;
beforeAll(() => {
  crun = bareCrun();
});
afterAll(() => crun.dispose());

/** What a spec (YAML, below `spec:`) makes of a container, for crun to run. */
function configOf(yaml: string, change: Partial<OciInput> = {}) {
  return ociConfig({
    spec: specOf(yaml),
    id: 'team_web',
    rootfsPath: crun.rootfs,
    readOnlyRoot: false,
    additions: { env: [], mounts: [] },
    cgroupsPath: crun.cgroupsPath,
    seccompProfile: common,
    ...change,
  });
}

function specOf(yaml: string): ContainerSpec {
  const head = 'apiVersion: hob.dev/v1alpha1\nkind: Container\nmetadata: {name: web, namespace: team}\nspec:\n';
  const root = yaml.includes('bundle:') ? '' : `  rootfs: {path: ${crun.rootfs}}\n`;
  const { containers, mistakes } = parseSpecs(head + root + yaml.replace(/^/gm, '  '), 'test.yaml');
  expect(mistakes).toEqual([]);
  const [container] = containers;
  if (!container) throw new Error('the spec declares nothing');
  return container.spec;
}

/** Run a shell script in a container and give what it printed. */
function inside(script: string, yaml = '', change: Partial<OciInput> = {}): string {
  const { stdout, stderr, code } = crun.run(
    configOf(`command: [/bin/sh, -c, ${JSON.stringify(script)}]\n${yaml}`, change),
  );
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout.trim();
}

const lines = (text: string): string[] => text.split('\n');

describe('a container of which the spec says only what to run', () => {
  it('runs as root, in /, with PATH and HOME, under its own name', () => {
    expect(lines(inside('id -u; id -g; pwd; hostname; echo $PATH; echo $HOME'))).toEqual([
      '0',
      '0',
      '/',
      'web',
      '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '/',
    ]);
  });

  it('takes HOME from the /etc/passwd of its own root filesystem', () => {
    writeFileSync(join(crun.rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:7:7:app:/srv/app:/bin/sh\n');
    expect(inside('echo $HOME', 'user: {uid: 7, gid: 7}')).toBe('/srv/app');
    rmSync(join(crun.rootfs, 'etc/passwd'));
  });

  it('holds nine capabilities, gains no privileges and is filtered by seccomp', () => {
    const status = inside('cat /proc/self/status');
    expect(status).toMatch(/^CapInh:\s+0000000000000000$/m);
    // CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10, SYS_CHROOT 18
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      expect(status).toMatch(new RegExp(`^${set}:\\s+00000000000404fb$`, 'm'));
    expect(status).toMatch(/^CapAmb:\s+0000000000000000$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
  });

  it('sees no process but its own, and no network but loopback', () => {
    expect(inside('echo $$; ls /sys/class/net')).toBe('1\nlo');
  });

  it('has the usual filesystems, and cannot change the kernel through them', () => {
    const mounted = inside('mount');
    for (const place of ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/sys/fs/cgroup'])
      expect(mounted).toContain(` on ${place} type `);
    expect(inside('echo x 2>/dev/null >/proc/sys/kernel/hostname || echo refused')).toBe('refused');
    expect(inside('cat /proc/keys /proc/timer_list')).toBe('');
    expect(inside('mkdir /sys/x 2>/dev/null || echo refused')).toBe('refused');
  });

  it('may have 256 processes', () => {
    expect(inside('cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null || true')).toBe('256');
  });
});

describe('a container whose spec uses every field', () => {
  const yaml = (): string => `
args: [last]
env:
  - {name: COLOUR, value: red}
  - {name: COLOUR, value: blue}
  - {name: PATH, value: /bin}
workingDir: /data
user: {uid: 1000, gid: 1001, additionalGids: [1002, 1003]}
hostname: every.field
mounts:
  - {source: ${crun.directory}/shared, destination: /data, options: [ro]}
  - {type: tmpfs, destination: /scratch, options: [size=1m, mode=1777, nosuid]}
resources: {memory: 64Mi, swap: 16Mi, cpuShares: 300, cpuQuota: 500m, cpus: "0", pids: 20}
devices:
  - {path: /dev/log, hostPath: /dev/kmsg, permissions: r}
capabilities: {add: [NET_RAW, CAP_SYS_NICE], drop: [ALL]}
seccomp: {type: Localhost, localhostProfile: ${crun.directory}/profile.json}
noNewPrivileges: false
readOnlyRootfs: true
network: none
rlimits:
  - {type: RLIMIT_NOFILE, soft: 100, hard: 200}
  - {type: RLIMIT_CORE, soft: 0, hard: -1}
sysctls: {net.ipv4.ip_unprivileged_port_start: "80", kernel.msgmax: "4096"}
ociPatch:
  linux: {maskedPaths: [/proc/uptime]}
  process: {oomScoreAdj: 500}`;

  /** In a container everything is allowed but to make directories; with CAP_SYS_TIME, that too. */
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    archMap: [{ architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] }],
    syscalls: [
      { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, excludes: { caps: ['CAP_SYS_TIME'] } },
      { names: ['uname'], action: 'SCMP_ACT_ERRNO', includes: { caps: ['CAP_SYS_TIME'] } },
    ],
  };

  function everything(script: string): string[] {
    mkdirSync(join(crun.directory, 'shared'), { recursive: true });
    writeFileSync(join(crun.directory, 'shared/file'), 'shared');
    const additions = {
      env: ['COLOUR=green', 'ADDED=by a plugin'],
      mounts: [{ destination: '/plugged', type: 'bind', source: '/etc', options: ['rbind', 'ro'] }],
    };
    return lines(inside(script, yaml(), { readOnlyRoot: true, additions, seccompProfile: profile }));
  }

  it('runs what, where and as whom it says', () => {
    const told = everything('id -u; id -g; id -G; pwd; hostname; echo "$0 $COLOUR $ADDED $PATH"');
    expect(told).toEqual(['1000', '1001', '1001 1002 1003', '/data', 'every.field', 'last green by a plugin /bin']);
  });

  it('sees the mounts of the spec and of plugins, and the root read-only', () => {
    const told = everything(`
      cat /data/file; echo
      touch /data/x 2>/dev/null || echo refused
      touch /scratch/x && echo written
      touch /x 2>/dev/null || echo refused
      ls /plugged/hostname
      cat /proc/uptime
      mount | grep ' /scratch '`);
    expect(told).toEqual([
      'shared',
      'refused',
      'written',
      'refused',
      '/plugged/hostname',
      expect.stringMatching(/tmpfs.*nosuid.*size=1024k/),
    ]);
  });

  it('holds the capabilities that are added, although it is not root', () => {
    const status = everything('cat /proc/self/status').join('\n');
    // NET_RAW 13, SYS_NICE 23
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      expect(status).toMatch(new RegExp(`^Cap${set}:\\s+0000000000802000$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\s+0$/m);
  });

  it('has the limits and kernel parameters, and the seccomp profile of its own', () => {
    const told = everything(
      `
      ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc
      cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/kernel/msgmax /proc/self/oom_score_adj
      mkdir /scratch/d 2>&1`.concat(' || true'),
    );
    expect(told).toEqual([
      '100',
      '200',
      '0',
      'unlimited',
      '80',
      '4096',
      '500',
      expect.stringContaining('not implemented'),
    ]);
  });

  it('has the device node', () => {
    expect(everything('ls -l /dev/log')).toEqual([expect.stringMatching(/^c.* 1, +11 .*\/dev\/log$/)]);
  });

  it('is in a cgroup with its limits', () => {
    const told = everything(`cd /sys/fs/cgroup; if [ -e memory.max ]; then
        cat memory.max memory.swap.max cpu.max cpuset.cpus pids.max
      else
        cat memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares cpuset/cpuset.cpus pids/pids.max
      fi`);
    const v1 = ['67108864', '83886080', '50000', '300', '0', '20'];
    const v2 = ['67108864', '16777216', '50000 100000', '0', '20'];
    expect([v1, v2]).toContainEqual(told);
  });
});

describe('a container in a user namespace', () => {
  const userNamespace = 'userNamespace: {hostUID: 100000, hostGID: 200000, size: 1000}';
  beforeAll(() => chmodSync(crun.directory, 0o755));

  it('is root inside and somebody else outside', () => {
    const told = lines(inside('id -u; cat /proc/self/uid_map /proc/self/gid_map', userNamespace));
    expect(told.map((line) => line.trim().replace(/ +/g, ' '))).toEqual(['0', '0 100000 1000', '0 200000 1000']);
  });

  it('can use the device nodes it is given', () => {
    const devices = `${userNamespace}\ndevices: [{path: /dev/nothing, hostPath: /dev/zero, permissions: rw}]`;
    expect(inside('echo x >/dev/nothing && echo written', devices)).toBe('written');
  });

  it('can share the network of the host, whose /sys it cannot write to', () => {
    const script = 'ls /sys/class/net; mkdir /sys/kernel/x 2>&1 || true';
    const told = lines(inside(script, `${userNamespace}\nnetwork: host`));
    expect(told).toEqual([...lines(hostInterfaces()), expect.stringContaining('Read-only file system')]);
  });

  it('is small when only a few ids are mapped', () => {
    expect(inside('id -u', 'userNamespace: {hostUID: 100000, hostGID: 100000, size: 1}')).toBe('0');
  });
});

const hostInterfaces = (): string =>
  readFileSync('/proc/net/dev', 'utf8')
    .match(/[\w.@-]+(?=:)/g)
    ?.toSorted()
    .join('\n') ?? '';

describe('other ways to run', () => {
  it('network host shows the interfaces of the host', () => {
    expect(lines(inside('ls /sys/class/net', 'network: host'))).toEqual(lines(hostInterfaces()));
  });

  it('a root that is not read-only can be written to', () => {
    expect(inside('touch /tmp/x && echo written')).toBe('written');
    expect(existsSync(join(crun.rootfs, 'tmp/x'))).toBe(true);
  });

  it('a device can be used as its permissions say', () => {
    const script = '(: >/dev/log) 2>/dev/null && echo written || echo refused';
    const device = (permissions: string) =>
      `devices: [{path: /dev/log, hostPath: /dev/kmsg, permissions: ${permissions}}]`;
    expect(inside(script, device('w'))).toBe('written');
    expect(inside(script, device('r'))).toBe('refused');
  });

  it('seccomp Unconfined leaves the process without a filter', () => {
    expect(inside('cat /proc/self/status', 'seccomp: {type: Unconfined}')).toMatch(/^Seccomp:\s+0$/m);
  });

  it('all capabilities can be added, if hob has them', () => {
    const own = /^CapPrm:\s+(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    expect(inside('cat /proc/self/status', 'capabilities: {add: [ALL]}')).toMatch(
      new RegExp(`^CapBnd:\\s+${own}$`, 'm'),
    );
  });

  it('a bundle runs as its config.json says, but for what the spec gives', () => {
    const bundleConfig = configOf(
      'command: [/bin/sh, -c, "echo $0 $A $B; hostname"]\nhostname: bundled\nenv: [{name: A, value: "1"}, {name: B, value: "2"}]',
    );
    const { stdout } = crun.run(
      configOf('bundle: {path: /bundle}\nenv: [{name: B, value: "3"}]\nresources: {pids: 9}', { bundleConfig }),
    );
    expect(stdout).toBe('/bin/sh 1 3\nbundled\n');
  });
});

describe('limits that change while a container runs', () => {
  const limits = (config: { cgroupsPath: string }): string[] => {
    const v2 = existsSync('/sys/fs/cgroup/cgroup.controllers');
    const files = v2
      ? ['memory.max', 'cpu.max', 'pids.max']
      : ['memory/PATH/memory.limit_in_bytes', 'cpu/PATH/cpu.cfs_quota_us', 'pids/PATH/pids.max'];
    const place = (file: string): string =>
      v2
        ? join('/sys/fs/cgroup', config.cgroupsPath, file)
        : join('/sys/fs/cgroup', file.replace('PATH', config.cgroupsPath.slice(1)));
    return files.map((file) => readFileSync(place(file), 'utf8').trim());
  };

  it('are set, and set back to none when they go', () => {
    const before = { memory: '64Mi', cpuQuota: '200m', cpus: '0', pids: 20 };
    const config = configOf(`command: [/bin/sleep, "1000"]\nresources: ${JSON.stringify(before)}`);
    crun.start(config, 'changing');
    const change = (wanted: Parameters<typeof resourcesUpdate>[0], had: typeof wanted): void => {
      const file = join(crun.directory, 'resources.json');
      writeFileSync(file, JSON.stringify(resourcesUpdate(wanted, had)));
      crun.crun('update', '--resources', file, 'changing');
    };
    expect(limits(crun)).toEqual(['67108864', expect.stringMatching(/^20000( 100000)?$/), '20']);
    change({ memory: '128Mi', swap: '1Mi', pids: 30 }, before);
    expect(limits(crun)).toEqual(['134217728', expect.stringMatching(/^100000000( 100000)?$/), '30']);
    change({}, { memory: '128Mi', swap: '1Mi', pids: 30 });
    expect(limits(crun)).toEqual([
      expect.stringMatching(/^(9223372036854771712|max)$/),
      expect.stringMatching(/^100000000( 100000)?$/),
      '256',
    ]);
    crun.crun('delete', '--force', 'changing');
  });
});

describe('a seccomp filter that crun compiled before', () => {
  it('is used instead of the rules, for exec as well, and refuses what they refuse', () => {
    const cache = createSeccompCache(join(crun.directory, 'filters'));
    const config = configOf('command: [/bin/sleep, "1000"]\ncapabilities: {add: [SYS_ADMIN], drop: [ALL]}');
    expect(cache.use(config)).toBe(config);
    crun.start(config, 'first');
    cache.learn(config, crun.stateOf('first'));
    crun.crun('delete', '--force', 'first');

    const again = createSeccompCache(join(crun.directory, 'filters')).use(config);
    expect(again).not.toHaveProperty('linux.seccomp');
    crun.start(again, 'second');
    const status = crun.crun('exec', 'second', '/bin/cat', '/proc/1/status', '/proc/self/status');
    expect(status.match(/^Seccomp:\s+2$/gm)).toHaveLength(2);
    crun.crun('delete', '--force', 'second');
  });

  it('leaves no draft where it cannot be kept', () => {
    const [directory, state] = [join(crun.directory, 'unkept'), join(crun.directory, 'state')];
    mkdirSync(state, { recursive: true });
    writeFileSync(join(state, 'seccomp.bpf'), Buffer.alloc(8));
    const config = configOf('command: [/bin/sleep, "1000"]');
    createSeccompCache(directory).learn(config, state);
    const [name = ''] = readdirSync(directory);
    rmSync(join(directory, name));
    mkdirSync(join(directory, name, 'in the way'), { recursive: true });
    createSeccompCache(directory).learn(config, state);
    expect(readdirSync(directory)).toEqual([name]);
  });
});
