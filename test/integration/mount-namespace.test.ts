/** Each test runs in a copy of the host's mounts, to which the v2 hierarchy is added where this namespace has lost it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../fixtures/host/enter-namespace.ts');
const HYBRID = [
  'set -e; mount --make-r$0 /; cd "$1"; shift',
  'grep -q " /sys/fs/cgroup/unified .* cgroup2 " /proc/self/mountinfo || mount -t cgroup2 none /sys/fs/cgroup/unified',
  'exec "$@"',
].join('; ');
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning'];

interface Seen {
  kind: string;
  sentence?: string;
  pid: number;
  namespace: string;
  directory: string;
  seesV2: boolean;
  execArgv: string[];
  marker?: string;
  said?: string;
}

/** The command, in a mount namespace with the v2 hierarchy whose `/` is private, shared or a slave. */
const onHybrid = (command: string[], propagation = 'private', directory = '/'): string[] => [
  ...['unshare', '--mount', '--propagation', 'slave', 'sh', '-c', HYBRID, propagation, directory],
  ...command,
];

const refusal = `import('${join(import.meta.dirname, '../../src/host/cgroups.ts')}').then((c) => console.log(c.detectCgroups().crunRefuses))`;
const [unshare = '', ...probe] = onHybrid([...NODE, '-e', refusal]);
const isRefused = spawnSync(unshare, probe, { encoding: 'utf8' }).stdout === 'true\n';
const why = isRefused ? '' : ' (SKIPPED: needs a host with cgroup v1 controllers and one left to cgroup v2)';

describe.skipIf(!isRefused)(`on a host with hybrid cgroups, hob${why}`, () => {
  let dir: string;
  let runDir: string;
  let started: ChildProcess[];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'hob-namespace-'));
    runDir = join(dir, 'run');
    mkdirSync(runDir);
    started = [];
  });
  afterEach(async () => {
    await Promise.all(started.map(stop));
    rmSync(dir, { recursive: true });
  });

  async function start(command: string[], env: NodeJS.ProcessEnv = {}): Promise<Seen> {
    const [file = '', ...args] = command;
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    for await (const line of createInterface(child.stdout)) return JSON.parse(line) as Seen;
    throw new Error(`${command.join(' ')} said nothing`);
  }
  const hob = (...command: string[]) => [...NODE, SCRIPT, runDir, ...command];

  it.each(['private', 'shared', 'slave'])(
    'leaves the v2 mount behind, with the same pid, where `/` is %s',
    async (propagation) => {
      const after = 'echo "$$"; "$@" & wait; test -e /sys/fs/cgroup/unified/cgroup.procs && echo it stayed outside';
      const [file = '', ...args] = onHybrid(['sh', '-c', after, '-', ...hob()], propagation, dir);
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      started.push(child);
      const lines: string[] = [];
      for await (const line of createInterface(child.stdout)) lines.push(line);
      const seen = JSON.parse(lines[1] ?? '') as Seen;
      expect(seen).toMatchObject({ kind: 'entered', directory: dir, seesV2: false, execArgv: NODE.slice(1) });
      expect(seen.sentence).toMatch(
        /^crun refuses hosts with .* so hob runs in a mount namespace without the latter: a new one$/,
      );
      expect(seen.marker).toBeUndefined();
      expect(lines[2]).toBe('it stayed outside');
    },
  );

  it('keeps its pid and starts containers there, which crun refuses outside', async () => {
    const bundle = makeBundle(join(dir, 'bundle'));
    const run = ['crun', '--root', join(dir, 'crun'), 'run', '-b', bundle, `hob-test-${process.pid}`];
    const [file = '', ...args] = onHybrid(run);
    expect(spawnSync(file, args, { encoding: 'utf8' }).stderr).toContain('cgroups in hybrid mode not supported');
    const seen = await start(onHybrid(hob(...run)));
    expect(seen.said).toBe('hello\n');
    expect(seen.pid).toBe(started[0]?.pid);
  });

  it('joins the namespace of the keeper that an earlier hob left, and sees what was mounted there', async () => {
    const first = await start(onHybrid(hob('mount', '-t', 'tmpfs', 'left-by-the-first', runDir)));
    expect(first.said).toBe('');
    inNamespaceOf(first.pid, 'sh', '-c', 'echo "$0" >"$1"', String(first.pid), join(runDir, 'keeper.pid'));
    // The pid file has to be found outside of it, as a run directory is not mounted by hob.
    writeFileSync(join(runDir, 'keeper.pid'), `${first.pid}\n`);
    const second = await start(onHybrid(hob('cat', join(runDir, 'keeper.pid')), 'private', dir));
    expect(second).toMatchObject({
      kind: 'entered',
      namespace: first.namespace,
      directory: dir,
      said: `${first.pid}\n`,
    });
    expect(second.sentence).toContain(`the one that an earlier hob left with process ${first.pid}`);
  });

  it("joins the namespace of a container's shell when the keeper is gone", async () => {
    const first = await start(onHybrid(hob()));
    mkdirSync(join(runDir, 'signals'));
    writeFileSync(join(runDir, 'signals/web.1.shell'), `${first.pid}\n`);
    writeFileSync(join(runDir, 'keeper.pid'), '4194305');
    expect((await start(onHybrid(hob()))).namespace).toBe(first.namespace);
  });

  it.each([
    ['has nothing to do with', () => join(dir, 'another')],
    ['is of another hob, whose directory has a name that begins like', () => `${runDir}-two`],
  ])('makes a new one when the pid went to a process that %s this run directory', async (_, argument) => {
    const other = await start(onHybrid([...NODE, SCRIPT, argument()]));
    writeFileSync(join(runDir, 'keeper.pid'), String(other.pid));
    const seen = await start(onHybrid(hob()));
    expect(seen).toMatchObject({ kind: 'entered', seesV2: false });
    expect(seen.namespace).not.toBe(other.namespace);
  });

  it('makes a new one when its own program is not in the earlier one', async () => {
    const first = await start(onHybrid(hob('mount', '-t', 'tmpfs', 'hides-the-script', join(SCRIPT, '..'))));
    writeFileSync(join(runDir, 'keeper.pid'), String(first.pid));
    const seen = await start(onHybrid(hob(), 'private', dir));
    expect(seen).toMatchObject({ kind: 'entered', seesV2: false, directory: dir });
    expect(seen.namespace).not.toBe(first.namespace);
  });

  it('makes a new one when the working directory is not in the earlier one', async () => {
    const first = await start(onHybrid(hob('mount', '-t', 'tmpfs', 'hides-the-directory', dir)));
    writeFileSync(join(runDir, 'keeper.pid'), String(first.pid));
    const seen = await start(onHybrid(hob(), 'private', runDir));
    expect(seen).toMatchObject({ kind: 'entered', directory: runDir });
    expect(seen.namespace).not.toBe(first.namespace);
  });

  it('does nothing in a namespace that was prepared already', async () => {
    const prepared = ['sh', '-c', 'umount /sys/fs/cgroup/unified && exec "$@"', '-', ...hob()];
    expect(await start(onHybrid(prepared))).toMatchObject({ kind: 'unneeded', seesV2: false });
  });

  it('takes no notice of a marker that another hob left in the environment', async () => {
    const seen = await start(onHybrid(hob()), { HOB_MOUNT_NAMESPACE: `${process.pid} entered already` });
    expect(seen).toMatchObject({ kind: 'entered', seesV2: false });
    expect(seen.sentence).not.toContain('entered already');
  });

  it('does not go round in circles when the mount is there again', async () => {
    const twice = [
      'sh',
      '-c',
      'mount --bind /sys/fs/cgroup/unified /sys/fs/cgroup/unified && exec "$@"',
      '-',
      ...hob(),
    ];
    const seen = await start(onHybrid(twice));
    expect(seen).toMatchObject({ kind: 'impossible', seesV2: true });
    expect(seen.sentence).toContain('it is there again');
  });

  it('says what to do where it may not, and stays what it was', async () => {
    const unprivileged = ['setpriv', '--bounding-set', '-sys_admin', ...hob()];
    const seen = await start(onHybrid(unprivileged, 'private', dir));
    expect(seen).toMatchObject({ kind: 'impossible', seesV2: true, directory: dir });
    expect(seen.sentence).toMatch(
      /cannot leave that mount behind: unshare .* \(EPERM\); run hob as root with CAP_SYS_ADMIN/,
    );
  });

  it('leaves no mount behind in the namespace it came from', async () => {
    const table = () => readFileSync('/proc/self/mountinfo', 'utf8');
    const [before, here] = [table(), readlinkSync('/proc/self/ns/mnt')];
    const seen = await start(onHybrid(hob('mount', '-t', 'tmpfs', 'none', runDir)));
    expect(seen.namespace).not.toBe(here);
    expect(table()).toBe(before);
  });
});

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function inNamespaceOf(pid: number, ...command: string[]): void {
  const { status, stderr } = spawnSync('nsenter', ['--mount', '--target', String(pid), ...command], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
}

/** A container that says hello. */
function makeBundle(bundle: string): string {
  for (const name of ['dev', 'proc']) mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
  copyFileSync('/bin/busybox', join(bundle, 'rootfs/busybox'));
  const config = {
    ociVersion: '1.0.0',
    root: { path: 'rootfs' },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    process: { args: ['/busybox', 'echo', 'hello'], cwd: '/', user: { uid: 0, gid: 0 } },
    linux: { cgroupsPath: `/hob-test-${process.pid}`, namespaces: [{ type: 'pid' }, { type: 'mount' }] },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}
