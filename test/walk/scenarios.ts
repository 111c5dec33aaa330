import { globSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../src/api/container.ts';
import { hookPoints } from '../../src/hooks/plugin.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import { ServerError } from '../../src/cli/client.ts';
import { callsOf } from './witness/calls.ts';
import { crashLooper, job, server, talker } from './commands.ts';
import type { Expected } from './invariants/expected.ts';
import { helpersOf, initsOf, look } from './invariants/sight.ts';
import type { World } from './world.ts';

/** One thing that is done to a container, and what has to be so in the end, however often hob dies over it. */
export interface Step {
  /** What it does, for people. */
  readonly what: string;
  readonly act?: (world: World, name: string) => void | Promise<void>;
  /** What has to be so for the next step to begin: a thing that is seen to have happened, or rest. */
  readonly until?: (world: World, name: string) => boolean;
  readonly then?: (name: string) => Expected;
}

/** One container's story. */
export interface Scenario {
  readonly name: string;
  /** It is there for the points that no other passes; the rest of its way is like theirs. */
  readonly onlyNew?: boolean;
  /** Without faults. */
  readonly before: readonly Step[];
  /** A fault may come at each point that these pass. */
  readonly steps: readonly Step[];
}

const scribe = { plugins: [{ name: 'scribe' }] };
const both = { plugins: [{ name: 'witness' }, { name: 'scribe' }] };
type More = Readonly<Record<string, unknown>>;

const put = (what: string, marker: string, more: More, is: Partial<Expected> = {}): Step => ({
  what,
  act: (world, name) => world.drop(name, server(world, name, { marker, more })),
  then: (name) => ({ name, state: 'running', marker, starts: 1, ...is }),
});

const start = (more: More, is: Partial<Expected> = {}): Step => put('its spec comes', 'first', more, is);

/** As it does, with nothing to wait for. */
const comes = (more: More): Step => ({
  what: 'its spec comes',
  act: (world, name) => world.drop(name, server(world, name, { marker: 'first', more })),
});

/** As it does, to be tried again and again. */
const fails = (more: More): Step => ({
  ...comes(more),
  then: (name) => ({ name, state: 'ended', starts: 0, told: { phase: 'Backoff' } }),
});

const remove = (starts: Expected['starts']): Step => ({
  what: 'its spec goes',
  act: (world, name) => world.remove(name),
  then: (name) => ({ name, state: 'absent', ...(starts !== undefined && { starts }) }),
});

const untilCalled = (point: HookPoint, what: 'begin' | 'end'): Step => ({
  what: `${point} ${what === 'begin' ? 'is under way' : 'is over'}`,
  until: (world, name) => callsOf(world).some((call) => call.id === name && call.point === point && call.what === what),
});

function killInit(world: World, name: string): void {
  for (const { pid } of initsOf(look(world, []), name)) process.kill(pid, 'SIGKILL');
}

/** Who asks again after a death may hear that it is under way, or done. */
async function deleteOverApi(world: World, name: string): Promise<void> {
  await world.delete(name).catch((error: unknown) => {
    if (!(error instanceof ServerError && [404, 409].includes(error.status.code))) throw error;
  });
}

/**
 * The journal, what modules said of themselves, and what crun compiled. With the journal go the hook calls, so that one that is under way
 * would be called again as if for the first time.
 */
async function killAndForget(world: World): Promise<void> {
  while (await callsHooks(world)) await delay(20);
  await world.kill();
  const { stateDir, runDir } = world;
  const learnt = globSync(['journal.db*', 'plugins/*/.identity.json'], { cwd: stateDir });
  for (const path of [join(runDir, 'seccomp'), ...learnt.map((name) => join(stateDir, name))])
    rmSync(path, { recursive: true, force: true });
}

async function callsHooks(world: World): Promise<boolean> {
  const { items } = (await world.api('/containers')) as { items: Container[] };
  const calls = items.flatMap(({ status }) => Object.values(status?.hooks ?? {}).flat());
  return calls.some(({ outcome }) => outcome === 'running');
}

async function killBoth(world: World): Promise<void> {
  await world.kill();
  for (const { pid } of helpersOf(look(world, []), 'keeper')) process.kill(pid, 'SIGKILL');
}

/** A plugin that refuses at one point. Before the command runs, the container does not come up, and is tried again. */
function refusing(point: HookPoint): Scenario {
  const more = { plugins: [{ name: 'scribe', data: { fail: point } }] };
  const name = `a hook that fails: ${point}`;
  const comesUp = point !== 'postConstruction' && point !== 'preStart';
  if (!comesUp) return { name, before: [], steps: [fails(more)] };
  if (point === 'postStart') return { name, before: [], steps: [start(more)] };
  return { name, before: [start(more)], steps: [remove(1)] };
}

/** It never answers; its time limit is a second. */
const hanging = (plugin: 'witness' | 'scribe'): Scenario => ({
  name: `a hook that hangs: ${plugin === 'witness' ? 'a module' : 'an executable'}`,
  before: [],
  steps: [fails({ plugins: [{ name: plugin, data: { hang: 'preStart' }, timeoutSeconds: 1 }] })],
});

export const scenarios: readonly Scenario[] = [
  { name: 'start', before: [], steps: [start(both)] },
  { name: 'stop', before: [start(both)], steps: [remove(1)] },
  {
    name: 'restart after a crash',
    before: [start(scribe)],
    steps: [
      {
        what: 'its init is killed',
        act: killInit,
        then: (name) => ({ name, state: 'running', marker: 'first', starts: 2, told: { restartCount: 1 } }),
      },
    ],
  },
  {
    name: 'spec change',
    before: [start(scribe)],
    steps: [put('its environment changes', 'second', scribe, { starts: 2, told: { restartCount: 0 } })],
  },
  {
    name: 'in-place resource change',
    before: [start({ resources: { memory: '32Mi' } }, { memory: 32 * 2 ** 20 })],
    steps: [
      put('its memory limit changes', 'first', { resources: { memory: '48Mi' } }, { memory: 48 * 2 ** 20, starts: 1 }),
    ],
  },
  {
    name: 'removal while starting',
    before: [],
    steps: [comes(scribe), untilCalled('preStart', 'begin'), remove([0, 1])],
  },
  {
    name: 'removal while in back-off',
    before: [
      {
        what: 'it crashes',
        act: (world, name) => world.drop(name, crashLooper(world, name, { marker: 'first', more: scribe })),
      },
      untilCalled('preDestruction', 'end'),
    ],
    steps: [remove([1, 2])],
  },
  {
    name: 'pause and resume',
    before: [start({})],
    steps: [
      put('it is to be paused', 'first', { desiredState: 'Paused' }, { state: 'paused' }),
      put('it is to run on', 'first', { desiredState: 'Running' }),
    ],
  },
  {
    name: 'stop and start by desiredState',
    onlyNew: true,
    before: [start(scribe)],
    steps: [
      put('it is to be stopped', 'first', { ...scribe, desiredState: 'Stopped' }, { state: 'ended' }),
      put('it is to run again', 'first', { ...scribe, desiredState: 'Running' }, { starts: 2 }),
    ],
  },
  {
    name: 'job that completes',
    before: [],
    steps: [
      {
        what: 'its spec comes',
        act: (world, name) => world.drop(name, job(world, name, { marker: 'first', more: scribe }, { code: 7 })),
        then: (name) => ({ name, state: 'ended', starts: 1, told: { phase: 'Failed', exitCode: 7 } }),
      },
    ],
  },
  { name: 'a terminal', onlyNew: true, before: [], steps: [start({ terminal: true })] },
  {
    name: 'more output than a log holds',
    onlyNew: true,
    before: [],
    steps: [
      {
        ...start({}),
        act: (world, name) =>
          world.drop(name, talker(world, name, { marker: 'first', more: { log: { maxSize: '1Mi', maxFiles: 2 } } })),
      },
    ],
  },
  {
    name: 'applied and deleted over the API',
    onlyNew: true,
    before: [],
    steps: [
      { ...start({}), act: (world, name) => world.apply(name, server(world, name, { marker: 'first' })) },
      { ...remove(1), act: deleteOverApi },
    ],
  },
  {
    name: 'hob starts again',
    before: [start(both)],
    steps: [{ ...start(both), what: 'hob is killed', act: (world) => world.kill() }],
  },
  {
    name: 'hob starts again, without what it has learnt',
    onlyNew: true,
    before: [start(both)],
    steps: [
      { ...start(both), what: 'hob is killed', act: killAndForget },
      put('its environment changes', 'second', both, { starts: 2 }),
    ],
  },
  {
    name: 'removal while a hook runs',
    onlyNew: true,
    before: [],
    steps: [
      comes({ plugins: [{ name: 'scribe', data: { hang: 'preStart' } }] }),
      untilCalled('preStart', 'begin'),
      remove(0),
    ],
  },
  {
    name: 'a descriptor that is held',
    onlyNew: true,
    before: [],
    steps: [start({ plugins: [{ name: 'giver' }] }), remove(1)],
  },
  {
    name: 'hob and its keeper start again',
    onlyNew: true,
    before: [start(both)],
    steps: [{ ...start(both), what: 'both are killed', act: killBoth }],
  },
  ...hookPoints.map(refusing),
  hanging('witness'),
  { ...hanging('scribe'), onlyNew: true },
];
