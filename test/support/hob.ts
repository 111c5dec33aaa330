import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../src/api/container.ts';
import type { ObjectList } from '../../src/api/wire.ts';
import { connectTo } from '../../src/cli/client.ts';
import { cgroupParentOf } from '../../src/daemon/configure.ts';
import { sweep } from './sweep.ts';

const hobCommand = join(import.meta.dirname, '../../src/cli/hob');
const withPrivateTmp = join(import.meta.dirname, '../with-private-tmp.sh');

/** A real hob on directories of its own, started as people start it, in the host's mount namespace. */
export interface TestHob {
  readonly dir: string;
  readonly watch: string;
  readonly plugins: string;
  readonly rootfs: string;
  /** Where hob's /tmp is to be found while it runs, if that is private. */
  readonly tmp: string;
  /** Everything that it printed. */
  output(): string;
  start(): Promise<void>;
  /** Start it, and wait for nothing. */
  begin(): void;
  /** kill -9 */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
  readonly pid: number;
  /** Write a spec as a careful program does: beside, then renamed in. */
  drop(name: string, spec: object, file?: string): void;
  remove(name: string): void;
  /** The hob command line; answers standard output, throws with standard error. */
  cli(...args: string[]): string;
  /** Exit code and both outputs. */
  tryCli(...args: string[]): { code: number; stdout: string; stderr: string };
  get(name: string): Container | undefined;
  all(): Container[];
  until(
    name: string,
    what: string,
    holds: (container: Container | undefined) => boolean,
  ): Promise<Container | undefined>;
  untilPhase(name: string, phase: string): Promise<Container>;
  /** Tear all down, end everything, and remove the directories. */
  dispose(): Promise<void>;
}

/** Far more than anything takes on a busy machine: who waits so long waits for what never comes. */
const patienceMs = 60_000;
/** Who has waited for long waits for longer: each look costs what is tested time as well. */
const lookAgainMs = (waitedMs: number): number => Math.min(100, 20 + waitedMs / 10);

/** @param extra.privateTmp a new /tmp for hob at each start, which goes with it and its containers */
export function testHob(extra: { args?: string[]; env?: Record<string, string>; privateTmp?: boolean } = {}): TestHob {
  const dir = mkdtempSync(join(extra.privateTmp ? '/var/tmp' : tmpdir(), 'hob-e2e-'));
  const [watch, plugins, rootfs] = ['containers', 'plugins', 'rootfs'].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [watch, plugins]) mkdirSync(path, { mode: 0o755 });
  makeRootfs(rootfs);
  const env = { ...process.env, HOB_RUN_DIR: join(dir, 'run'), HOB_STATE_DIR: join(dir, 'state'), ...extra.env };
  /** Asks as the command line does, without a process for each look. */
  const client = connectTo(join(env.HOB_RUN_DIR, 'hob.sock'));
  let child: ChildProcess | undefined;
  let printed = '';

  function begin(): void {
    const command = [
      ...(extra.privateTmp ? [withPrivateTmp] : []),
      hobCommand,
      'run',
      '--watch',
      watch,
      '--plugins',
      plugins,
      '--log-level',
      'debug',
      ...(extra.args ?? []),
    ];
    const namespace = process.env['HOB_TEST_HOST_MNT'];
    const argv = namespace ? ['nsenter', `--mount=${namespace}`, `--wd=${process.cwd()}`, ...command] : command;
    const [program = '', ...args] = argv;
    child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  }

  async function start(): Promise<void> {
    begin();
    await untilTrue(
      'hob answers',
      () =>
        listed().then(
          () => true,
          () => false,
        ),
      () => printed,
    );
  }

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exited = new Promise<number | null>((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    return exited;
  }

  function tryCli(...args: string[]): { code: number; stdout: string; stderr: string } {
    try {
      const stdout = execFileSync(hobCommand, args, {
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: patienceMs,
      });
      return { code: 0, stdout, stderr: '' };
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
      return { code: status, stdout, stderr };
    }
  }

  function cli(...args: string[]): string {
    const { code, stdout, stderr } = tryCli(...args);
    if (code !== 0) throw new Error(`hob ${args.join(' ')}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  const listed = async (): Promise<readonly Container[]> =>
    (await client.json<ObjectList<Container>>('GET', '/containers')).items;
  const all = (): Container[] => (JSON.parse(cli('get', '-A', '-o', 'json')) as { items: Container[] }).items;
  const get = (name: string): Container | undefined => all().find(({ metadata }) => metadata.name === name);

  async function until(
    name: string,
    what: string,
    holds: (container: Container | undefined) => boolean,
  ): Promise<Container | undefined> {
    let last: Container | undefined;
    await untilTrue(
      `${name} ${what}`,
      async () => holds((last = (await listed()).find(({ metadata }) => metadata.name === name))),
      () => `${JSON.stringify(last?.status, null, 1)}\n${printed.slice(-4000)}`,
    );
    return last;
  }

  return {
    dir,
    watch,
    plugins,
    rootfs,
    get tmp() {
      return `/proc/${child?.pid}/root/tmp`;
    },
    output: () => printed,
    start,
    begin,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    get pid() {
      return child?.pid ?? 0;
    },
    drop: (name, spec, file = `${name}.yaml`) => {
      const manifest = {
        apiVersion: 'hob.dev/v1alpha1',
        kind: 'Container',
        metadata: { name },
        spec: { rootfs: { path: rootfs }, ...spec },
      };
      writeFileSync(join(dir, `${file}.new`), JSON.stringify(manifest));
      renameSync(join(dir, `${file}.new`), join(watch, file));
    },
    remove: (name) => rmSync(join(watch, `${name}.yaml`)),
    cli,
    tryCli,
    get,
    all,
    until,
    untilPhase: async (name, phase) => {
      const container = await until(name, `is ${phase}`, (one) => one?.status?.phase === phase);
      if (!container) throw new Error(`${name} is not there`);
      return container;
    },
    dispose: async () => {
      await end('SIGKILL');
      await sweep({ dir, cgroupParent: cgroupParentOf(env.HOB_RUN_DIR) });
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export async function untilTrue(
  what: string,
  holds: () => boolean | Promise<boolean>,
  context: () => string = () => '',
): Promise<void> {
  const began = performance.now();
  while (!(await holds())) {
    const waitedMs = performance.now() - began;
    if (waitedMs > patienceMs) throw new Error(`waited ${patienceMs / 1000} s in vain until ${what}\n${context()}`);
    await delay(lookAgainMs(waitedMs));
  }
}

const applets =
  'cat dd echo env false grep head hostname id kill ls mkdir mount pwd sh sleep sysctl touch tr true tty ulimit yes';

/** A root filesystem with busybox and nothing else. */
export function makeRootfs(path: string): void {
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'mnt', 'var'])
    mkdirSync(join(path, name), { recursive: true });
  copyFileSync('/bin/busybox', join(path, 'bin/busybox'));
  chmodSync(join(path, 'bin/busybox'), 0o755);
  for (const applet of applets.split(' ')) symlinkSync('busybox', join(path, 'bin', applet));
}

/** A shell command that ends at once on TERM; a plain `sleep` as pid 1 would ignore it. */
export const runsForever = ['/bin/sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'];
