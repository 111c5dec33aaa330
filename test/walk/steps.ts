import type { HookPoint } from '../../src/hooks/plugin.ts';
import type { FirstFault } from './boundary/plan.ts';
import { callsOf } from './witness/calls.ts';
import { server } from './commands.ts';
import type { Expected } from './invariants/expected.ts';
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
  /** It needs a world that is empty but for it. */
  readonly alone?: boolean;
  /** These come each time, and the faults beside them: what is done only after one of them, a fault is to come over as well. */
  readonly first?: readonly FirstFault[];
  /** It is there for the points that no other passes; the rest of its way is like theirs. */
  readonly onlyNew?: boolean;
  /** Without faults. */
  readonly before: readonly Step[];
  /** A fault may come at each point that these pass. */
  readonly steps: readonly Step[];
}

export const scribe = { plugins: [{ name: 'scribe' }] };
export const both = { plugins: [{ name: 'witness' }, { name: 'scribe' }] };
export type More = Readonly<Record<string, unknown>>;

export const put = (what: string, marker: string, more: More, is: Partial<Expected> = {}): Step => ({
  what,
  act: (world, name) => world.drop(name, server(world, name, { marker, more })),
  then: (name) => ({ name, state: 'running', marker, starts: 1, ...is }),
});

export const start = (more: More, is: Partial<Expected> = {}): Step => put('its spec comes', 'first', more, is);

/** As it does, with nothing to wait for. */
export const comes = (more: More): Step => ({
  what: 'its spec comes',
  act: (world, name) => world.drop(name, server(world, name, { marker: 'first', more })),
});

/** As it does, to be tried again and again. */
export const fails = (more: More): Step => ({
  ...comes(more),
  then: (name) => ({ name, state: 'ended', starts: 0, told: { phase: 'Backoff' } }),
});

export const remove = (starts: Expected['starts']): Step => ({
  what: 'its spec goes',
  act: (world, name) => world.remove(name),
  then: (name) => ({ name, state: 'absent', ...(starts !== undefined && { starts }) }),
});

export const untilCalled = (point: HookPoint, what: 'begin' | 'end'): Step => ({
  what: `${point} ${what === 'begin' ? 'is under way' : 'is over'}`,
  until: (world, name) => callsOf(world).some((call) => call.id === name && call.point === point && call.what === what),
});

/** As at its start, whatever was done. */
export const goesOn = (what: string, act: NonNullable<Step['act']>, more: More = {}): Step => ({
  ...start(more),
  what,
  act,
});

/** A plugin that gives a descriptor, and has it held. */
export const giver = { plugins: [{ name: 'giver' }] };
/** A plugin whose preStart never ends. */
export const hangs = { plugins: [{ name: 'scribe', data: { hang: 'preStart' } }] };
