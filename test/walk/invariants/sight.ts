import { foldersIn, parentsIn, processesOf } from '../../support/cgroups.ts';
import type { Parent } from '../../support/cgroups.ts';
import { join } from 'node:path';
import { commandLinesWith, processOf } from '../../support/processes.ts';
import type { Process } from '../../support/processes.ts';
import type { World } from '../world.ts';
import { isAlive } from './expected.ts';
import type { Expected } from './expected.ts';

/** What a process that names the world on its command line is. */
export type HelperKind = 'hob' | 'keeper' | 'shell' | 'crun run' | 'crun' | 'preStart hook' | 'plugin' | 'stranger';

export interface Helper {
  readonly pid: number;
  readonly kind: HelperKind;
  readonly args: readonly string[];
  /** Of the container that it is there for, as far as its arguments tell. */
  readonly id?: string;
  readonly instanceID?: string;
}

/** Everything that several checks need to know, looked up once. */
export interface Sight {
  readonly world: World;
  readonly expected: readonly Expected[];
  /** Those that must run, paused or not, by id. */
  readonly alive: ReadonlyMap<string, Expected>;
  readonly helpers: readonly Helper[];
  /** The processes in the cgroups below hob's parent, by the id that the cgroup is named after. */
  readonly members: ReadonlyMap<string, readonly Process[]>;
  readonly cgroups: readonly Parent[];
}

export function look(world: World, expected: readonly Expected[]): Sight {
  const lines = [...commandLinesWith(`${world.dir}/`)];
  const cgroups = parentsIn(world.cgroupParent);
  return {
    world,
    expected,
    alive: new Map(expected.filter(isAlive).map((each) => [each.name, each])),
    helpers: lines.map(([pid, line]) => helperOf(world, pid, line.split('\0').slice(0, -1))),
    members: membersOf(cgroups),
    cgroups,
  };
}

/** A container's first process: the first in its pid namespace. */
export const initsOf = ({ members }: Sight, id: string): Process[] =>
  (members.get(id) ?? []).filter(({ inner, isInContainer }) => isInContainer && inner === 1);

export const helpersOf = ({ helpers }: Sight, kind: HelperKind, id?: string): Helper[] =>
  helpers.filter((helper) => helper.kind === kind && (id === undefined || helper.id === id));

/** The instance that runs, by the shell around its crun. */
export const runningInstance = (sight: Sight, id: string): string | undefined =>
  helpersOf(sight, 'shell', id)[0]?.instanceID;

/** `web.5e0fb8d2-1`: of which container and instance a file is. The instance's id has no dot. */
export function parseKey(key: string): { id: string; instanceID: string } {
  const dot = key.lastIndexOf('.');
  return { id: key.slice(0, dot), instanceID: key.slice(dot + 1) };
}

function helperOf(world: World, pid: number, args: readonly string[]): Helper {
  const kind = kindOf(world, args);
  return { pid, kind, args, ...containerOf(kind, args) };
}

function kindOf({ plugins }: World, args: readonly string[]): HelperKind {
  const [program = '', ...rest] = args;
  const isThere = (end: RegExp): boolean => args.some((arg) => end.test(arg));
  if (program.endsWith('/crun')) return args.includes('run') ? 'crun run' : 'crun';
  if (rest[2]?.endsWith('.shell')) return 'shell';
  if (rest[3]?.endsWith('.created')) return 'preStart hook';
  if (isThere(/\/src\/keeper\/main\.ts$/)) return 'keeper';
  if (isThere(/\/src\/cli\/(main\.ts|hob)$/)) return 'hob';
  return args.some((arg) => arg.startsWith(`${plugins}/`)) ? 'plugin' : 'stranger';
}

/** For whom it works, as far as that is in its arguments. */
function containerOf(kind: HelperKind, args: readonly string[]): Pick<Helper, 'id' | 'instanceID'> {
  if (kind === 'crun run' || kind === 'crun') return { id: args.at(-1) ?? '' };
  const signal = args
    .map((arg) => /\/signals\/(.*)\.(?:shell|created)$/.exec(arg)?.[1])
    .find((key) => key !== undefined);
  return signal === undefined ? {} : parseKey(signal);
}

function membersOf(parents: readonly Parent[]): Map<string, Process[]> {
  const pids = new Map<string, Set<number>>();
  for (const { path } of parents.filter(({ isCgroup }) => isCgroup))
    for (const id of foldersIn(path)) pids.set(id, new Set([...(pids.get(id) ?? []), ...processesOf(join(path, id))]));
  return new Map([...pids].map(([id, all]) => [id, [...all].flatMap((pid) => processOf(pid) ?? [])]));
}
