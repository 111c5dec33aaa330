import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cgroupPaths, detectCgroups } from '../../src/host/cgroups.ts';
import { createCrunRuntime, type CrunRuntime, type CrunRuntimeOptions } from '../../src/runtime/crun.ts';
import { connectKeeper, type Keeper } from '../../src/runtime/keeper-client.ts';
import type { Exit, Launch, OciConfig, StartOutcome } from '../../src/runtime/runtime.ts';
import { makeRootfs } from './hob.ts';
import { until } from './until.ts';

export const never = new AbortController().signal;

export interface LaunchChange {
  /** Merged over the configuration's top level. */
  readonly config?: OciConfig;
  readonly process?: object;
  readonly resources?: object;
  readonly mounts?: readonly object[];
  readonly waitForPreStart?: boolean;
  readonly fds?: Launch['fds'];
}

/** A real runtime with a real keeper, on directories and cgroups of its own. */
export interface TestRuntime {
  readonly dir: string;
  readonly runDir: string;
  readonly rootfs: string;
  readonly keeper: Keeper;
  readonly warnings: readonly string[];
  /** The present one; `reborn` makes another. */
  readonly runtime: CrunRuntime;
  /** As when hob died and came back: another runtime on the same directories and the same keeper. */
  reborn(change?: Partial<CrunRuntimeOptions>): Promise<void>;
  /** A container that runs this, with a name and an instance of its own. */
  launch(args: readonly string[], change?: LaunchChange): Launch;
  start(launch: Launch): Promise<Extract<StartOutcome, { kind: 'running' }>>;
  waitForExit(launch: Launch): Promise<Exit>;
  discard(launch: Launch): Promise<void>;
  /** What was put out, without the times. */
  logOf(launch: Launch): string[];
  /** The same of one with a terminal. While it runs: crun carries nothing from a terminal when its container has ended. */
  terminalOf(launch: Launch): string[];
  shellPid(launch: Launch): number;
  crunPid(launch: Launch): number;
  /** Remove the bundle behind everybody's back. */
  forget(launch: Launch): void;
  /** What there is of containers, seen from outside: files, processes and cgroups. */
  remains(): string[];
  /** A shell may take a moment to end after its last word. */
  nothingRemains(): Promise<void>;
  dispose(): Promise<void>;
}

/** A line that was read in two pieces stands in the log in two pieces, the first of them marked P. */
function wholeLines(log: string): string[] {
  const begun = new Map<string, string>();
  return log.split('\n').flatMap((entry) => {
    const [, stream = '', tag, ...words] = entry.split(' ');
    if (tag === undefined) return [];
    const text = (begun.get(stream) ?? '') + words.join(' ');
    begun.set(stream, tag === 'P' ? text : '');
    return tag === 'P' ? [] : [text];
  });
}

export async function testRuntime(options: Partial<CrunRuntimeOptions> = {}): Promise<TestRuntime> {
  const dir = mkdtempSync(join(tmpdir(), 'hob-runtime-'));
  const [runDir, rootfs] = [join(dir, 'run'), join(dir, 'rootfs')];
  const cgroupParent = `/${basename(dir)}`;
  const warnings: string[] = [];
  const warn = (message: string): void => void warnings.push(message);
  const log = { info: () => undefined, warn, error: warn };
  makeRootfs(rootfs);
  const keeper = await connectKeeper({ runDir, log, nodeArgs: ['--disable-warning=ExperimentalWarning'] });
  const make = (change: Partial<CrunRuntimeOptions> = {}) =>
    createCrunRuntime({ runDir, keeper, log, cgroupParent, ...options, ...change });
  let runtime = await make();
  let count = 0;

  const logOf = ({ log: { path } }: Launch): string[] => wholeLines(existsSync(path) ? readFileSync(path, 'utf8') : '');
  const shellFile = ({ id, instanceID }: Launch): string => join(runDir, 'signals', `${id}.${instanceID}.shell`);
  const shellPid = (launch: Launch): number => Number(readFileSync(shellFile(launch), 'utf8').split('\n')[0]);
  const remains = (): string[] => [...filesIn(runDir), ...processesOf(dir), ...cgroupsIn(cgroupParent)];

  return {
    dir,
    runDir,
    rootfs,
    keeper,
    warnings,
    get runtime() {
      return runtime;
    },
    async reborn(change) {
      runtime.close();
      runtime = await make(change);
    },
    launch(args, change = {}) {
      count += 1;
      const id = `c${count}`;
      return {
        id,
        instanceID: `test-${count}`,
        config: configFor(rootfs, args, change),
        waitForPreStart: change.waitForPreStart ?? false,
        log: { path: join(dir, `${id}.log`), maxSizeBytes: 1_000_000, maxFiles: 2 },
        fds: change.fds ?? [],
      };
    },
    async start(launch) {
      const outcome = await runtime.start(launch, () => undefined, never);
      if (outcome.kind === 'running') return outcome;
      throw new Error(`${outcome.reason}: ${outcome.message}`);
    },
    waitForExit: ({ id, instanceID }) => runtime.waitForExit(id, instanceID, never),
    discard: ({ id, instanceID }) => runtime.discard(id, instanceID),
    logOf,
    terminalOf: (launch) => logOf(launch).map((line) => line.trim()),
    shellPid,
    crunPid: (launch) => childOf(shellPid(launch)),
    forget: ({ id }) => rmSync(join(runDir, 'instances', id), { recursive: true }),
    remains,
    nothingRemains: () =>
      until(
        'nothing remains',
        () => remains().length === 0,
        () => remains().join('\n'),
      ),
    async dispose() {
      for (const { id } of await runtime.list()) await runtime.discard(id, '');
      runtime.close();
      await keeper.retire();
      for (const cgroup of globSync(`/sys/fs/cgroup{,/*}${cgroupParent}`)) rmdirSync(cgroup);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function configFor(rootfs: string, args: readonly string[], change: LaunchChange): OciConfig {
  const proc = { destination: '/proc', type: 'proc', source: 'proc' };
  const dev = { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] };
  const ptsOptions = ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'];
  const pts = { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ptsOptions };
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
  return {
    ociVersion: '1.0.2',
    process: { terminal: false, user: { uid: 0, gid: 0 }, args, env: ['PATH=/bin'], cwd: '/', ...change.process },
    root: { path: rootfs, readonly: true },
    mounts: [proc, dev, pts, ...(change.mounts ?? [])],
    linux: { namespaces, resources: change.resources ?? {} },
    ...change.config,
  };
}

function childOf(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}

function filesIn(runDir: string): string[] {
  return ['signals', 'instances', 'crun'].flatMap((name) =>
    readdirSync(join(runDir, name)).map((file) => `${name}/${file}`),
  );
}

/** Those of the keeper aside, every process with the directory in its command line. */
function processesOf(dir: string): string[] {
  return globSync('/proc/[0-9]*/cmdline').flatMap((file) => {
    const args = readOrNothing(file).split('\0').join(' ');
    return args.includes(dir) && !args.includes('src/keeper/') ? [`${file}: ${args}`] : [];
  });
}

function cgroupsIn(parent: string): string[] {
  return globSync(`/sys/fs/cgroup{,/*}${parent}/*`, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [join(entry.parentPath, entry.name)] : [],
  );
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** The memory limit of the cgroup that a process is in, in bytes. */
export function memoryLimitOf(pid: number): number {
  const path = /^(?:\d+:memory|0:):(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8'))?.[1] ?? '';
  const directory = cgroupPaths(path, detectCgroups()).get('memory') ?? '';
  return Number(
    readOrNothing(join(directory, 'memory.limit_in_bytes')) || readOrNothing(join(directory, 'memory.max')),
  );
}
