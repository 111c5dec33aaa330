import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectTo } from '../../src/cli/client.ts';
import { cgroupParentOf } from '../../src/daemon/configure.ts';
import { makeRootfs } from '../support/hob.ts';
import { cutsFile } from './boundary/plan.ts';
import { sweep, sweepAtOnce } from '../support/sweep.ts';

const hobCommand = join(import.meta.dirname, '../../src/cli/hob');
const lookAgainMs = 10;
/** Far more than a start takes on a busy machine: who waits so long waits for something that hangs. */
const upLimitMs = 60_000;

/** Where everything of one world is. */
export interface Places {
  /** Part of the path of all of it, and of the command line of all that hob starts for itself. */
  readonly dir: string;
  readonly runDir: string;
  readonly stateDir: string;
  /** The folder of specs. */
  readonly watch: string;
  readonly plugins: string;
  readonly rootfs: string;
  /** What is to happen at which fault point: see boundary/plan.ts. */
  readonly planFile: string;
  /** What the plugins say of their calls, a line each: see witness/calls.ts. */
  readonly calls: string;
  /** What the containers say of their starts, a line each: see starts.ts. */
  readonly starts: string;
  /** Below it each container has its cgroup: `/hob-5e0fb8d2`. */
  readonly cgroupParent: string;
}

export interface Death {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A hob with directories of its own, that can die and come back. Many fit side by side into one process. */
export interface World extends Places {
  /** Of the hob that runs, or ran last; 0 before the first. */
  readonly pid: number;
  /** How the last hob ended; undefined while it runs. */
  readonly death: Death | undefined;
  /**
   * How often hob and its keeper have ended, or a message between them or to a plugin did not come through: a hook may have been called again
   * so often. Of keepers, a check counts those that it sees replaced.
   */
  readonly deaths: number;
  noteDeath(): void;
  /** Start hob, and wait for nothing. @param env beside that of this process */
  start(env?: Readonly<Record<string, string>>): void;
  /** kill -9, and wait for its end. */
  kill(): Promise<void>;
  /** Resolves when the hob that runs has ended. */
  ended(): Promise<Death>;
  /** Resolves when hob answers, with true, or when it has ended before, with false. @throws Error when it does neither within `ms` */
  waitUntilUp(ms?: number): Promise<boolean>;
  /** Everything that hob has printed, all its lives. */
  output(): string;
  /** Write a spec as a careful program does: beside, then renamed in. */
  drop(name: string, spec: object): void;
  remove(name: string): void;
  /** What hob says at this path of its API: `/containers`. @throws Error when it does not answer */
  api(path: string): Promise<unknown>;
  /** Have hob itself keep a spec, or let go of it, as `hob apply` and `hob delete` do. @throws Error when it does not answer */
  apply(name: string, spec: object): Promise<void>;
  delete(name: string): Promise<void>;
  /** Have all containers stopped, and hob itself. @throws Error when it went away before all was done */
  down(): Promise<void>;
  /** End hob and all that is left of it, whatever state it is in, and remove the directories. Asks nothing of hob. */
  dispose(): Promise<void>;
}

/** Those that are there now. */
const worlds = new Set<Places>();

/** Whoever has enough of it, with Ctrl-C say, is not to be left with all the hobs and containers: they end with this process, however it ends. */
export function endWithThisProcess(): void {
  process.once('exit', () => worlds.forEach(sweepAway));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
}

function sweepAway(places: Places): void {
  sweepAtOnce(places);
  rmSync(places.dir, { recursive: true, force: true });
}

/** @param more flags of `hob run` beside those of every hob */
export function makeWorld(more: readonly string[] = []): World {
  const places = makePlaces();
  worlds.add(places);
  const { dir, runDir, stateDir, watch, plugins, rootfs, planFile } = places;
  const printed = join(dir, 'hob.log');
  const client = connectTo(join(runDir, 'hob.sock'));
  let child: ChildProcess | undefined;
  let death: Death | undefined;
  let deaths = 0;
  // As if one had come to its end before the first.
  let ended = Promise.resolve<Death>({ code: 0, signal: null });

  const manifest = (name: string, spec: object): string =>
    JSON.stringify({
      apiVersion: 'hob.dev/v1alpha1',
      kind: 'Container',
      metadata: { name },
      spec: { rootfs: { path: rootfs }, ...spec },
    });

  const world: World = {
    ...places,
    get pid() {
      return child?.pid ?? 0;
    },
    get death() {
      return death;
    },
    get deaths() {
      return deaths + linesOf(cutsFile(planFile));
    },
    noteDeath: () => void (deaths += 1),
    start(env = {}) {
      const log = openSync(printed, 'a');
      const own = ['run', '--watch', watch, '--plugins', plugins, '--run-dir', runDir, '--state-dir', stateDir];
      const started = spawn(hobCommand, [...own, ...more], {
        env: { ...process.env, ...env },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      child = started;
      death = undefined;
      ended = new Promise<Death>((resolve) =>
        started.once('exit', (code, signal) => {
          world.noteDeath();
          death = { code, signal };
          resolve(death);
        }),
      );
    },
    async kill() {
      if (death === undefined) child?.kill('SIGKILL');
      await ended;
    },
    ended: () => ended,
    async waitUntilUp(ms = upLimitMs) {
      const deadline = performance.now() + ms;
      while (death === undefined) {
        if (await answers(world)) return true;
        if (performance.now() > deadline)
          throw new Error(`hob does not answer in ${dir}\n${world.output().slice(-4000)}`);
        await delay(lookAgainMs);
      }
      return false;
    },
    output: () => (existsSync(printed) ? readFileSync(printed, 'utf8') : ''),
    drop(name, spec) {
      writeFileSync(join(dir, `${name}.yaml`), manifest(name, spec));
      renameSync(join(dir, `${name}.yaml`), join(watch, `${name}.yaml`));
    },
    remove: (name) => rmSync(join(watch, `${name}.yaml`)),
    api: (path) => client.json('GET', path),
    apply: async (name, spec) => void (await client.json('POST', '/apply?origin=walk', manifest(name, spec))),
    delete: async (name) => void (await client.json('DELETE', `/namespaces/default/containers/${name}`)),
    async down() {
      for await (const _ of await client.stream('POST', '/down'));
    },
    async dispose() {
      await world.kill();
      await sweep(places);
      rmSync(dir, { recursive: true, force: true });
      worlds.delete(places);
    },
  };
  return world;
}

const linesOf = (path: string): number => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0);

async function answers(world: World): Promise<boolean> {
  // Without the socket there is nobody to ask, which costs less to see.
  if (!existsSync(join(world.runDir, 'hob.sock'))) return false;
  return world.api('/info').then(
    (info) => (info as { pid: number }).pid === world.pid,
    () => false,
  );
}

function makePlaces(): Places {
  const dir = mkdtempSync(join(tmpdir(), 'hob-walk-'));
  const at = (name: string): string => join(dir, name);
  const [watch, plugins, rootfs, starts] = [at('containers'), at('plugins'), at('rootfs'), at('starts')];
  for (const path of [watch, plugins]) mkdirSync(path, { mode: 0o755 });
  makeRootfs(rootfs);
  for (const path of [at('calls'), starts, join(rootfs, 'mnt/starts')]) writeFileSync(path, '');
  const runDir = at('run');
  return {
    dir,
    runDir,
    stateDir: at('state'),
    watch,
    plugins,
    rootfs,
    planFile: at('plan'),
    calls: at('calls'),
    starts,
    cgroupParent: cgroupParentOf(runDir),
  };
}
