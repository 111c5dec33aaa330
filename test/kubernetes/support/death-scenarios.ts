import { job, server } from '../../walk/commands.ts';
import type { World } from '../../walk/world.ts';
import type { Wanted } from './served.ts';

/** What people do to a Container on the API server, which hob may miss. */
export interface Hands {
  readonly world: World;
  readonly node: string;
  apply(name: string, spec: object): Promise<void>;
  /** A JSON merge patch of its spec. */
  change(name: string, spec: object): Promise<void>;
  remove(name: string): Promise<void>;
}

export interface DeathStep {
  readonly what: string;
  act(hands: Hands, name: string): Promise<void>;
  /** How all must be in the end; undefined: the next step follows at once. */
  readonly then?: (name: string) => Wanted;
}

export interface DeathScenario {
  readonly name: string;
  /** Without faults. */
  readonly before: readonly DeathStep[];
  readonly steps: readonly DeathStep[];
}

const more = { plugins: [{ name: 'scribe' }] };
const megabytes = 2 ** 20;

const runs = (name: string, starts = 1, here: Partial<Wanted['here']> = {}): Wanted => ({
  here: { name, state: 'running', starts, told: { restartCount: 0 }, ...here },
  served: { phase: 'Running' },
});

const isGone = (name: string, starts: Wanted['here']['starts'] = 1): Wanted => ({
  here: { name, state: 'absent', ...(starts !== undefined && { starts }) },
  served: 'gone',
});

const comes: DeathStep = {
  what: 'it is applied',
  act: ({ world, apply }, name) => apply(name, server(world, name, { marker: 'first', more })),
};
const starts: DeathStep = { ...comes, then: (name) => runs(name) };

const changes = (what: string, spec: object, then: DeathStep['then']): DeathStep => ({
  what,
  act: ({ change }, name) => change(name, spec),
  ...(then && { then }),
});

const isDeleted = (starts?: Wanted['here']['starts']): DeathStep => ({
  what: 'it is deleted',
  act: ({ remove }, name) => remove(name),
  then: (name) => isGone(name, starts),
});

const movesAway = changes('its node becomes another', { nodeName: 'no-such-node' }, (name) => ({
  here: { name, state: 'absent', starts: 1 },
  served: 'released',
}));
const movesBack: DeathStep = {
  what: 'its node becomes this one again',
  act: ({ change, node }, name) => change(name, { nodeName: node }),
  then: (name) => runs(name, 2),
};

/** What the definition on the server lets through, and hob does not. */
const wrong = { resources: { swap: '64Mi' } };

export const deathScenarios: readonly DeathScenario[] = [
  { name: 'apply', before: [], steps: [starts] },
  {
    name: 'limits change',
    before: [starts],
    steps: [
      changes('its limit changes', { resources: { memory: '48Mi' } }, (name) =>
        runs(name, 1, { memory: 48 * megabytes }),
      ),
    ],
  },
  { name: 'delete', before: [starts], steps: [isDeleted()] },
  { name: 'delete while it starts', before: [], steps: [comes, isDeleted([0, 1])] },
  { name: 'move away', before: [starts], steps: [movesAway] },
  { name: 'move back', before: [starts, movesAway], steps: [movesBack] },
  {
    name: 'job',
    before: [],
    steps: [
      {
        what: 'a job is applied',
        act: ({ world, apply }, name) => apply(name, job(world, name, { marker: 'first', more }, { code: 0 })),
        then: (name) => ({
          here: { name, state: 'ended', starts: 1, told: { phase: 'Completed', exitCode: 0 } },
          served: { phase: 'Completed' },
        }),
      },
    ],
  },
  {
    name: 'spec gets wrong, and right again',
    before: [starts],
    steps: [
      changes('its spec gets wrong', wrong, (name) => ({
        ...runs(name),
        served: { phase: 'Running', reason: 'InvalidSpec' },
      })),
      changes('its spec gets right', { resources: null }, (name) => runs(name)),
    ],
  },
  {
    name: 'hob starts again',
    before: [starts],
    steps: [{ ...starts, what: 'hob is killed', act: ({ world }) => world.kill() }],
  },
];
