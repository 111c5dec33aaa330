import { hookPoints } from '../../src/hooks/plugin.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import { crashLooper, job } from './commands.ts';
import { disturbedScenarios, faultyScenarios } from './disturbed-scenarios.ts';
import { killInit } from './outside.ts';
import { rareScenarios } from './rare-scenarios.ts';
import { both, comes, fails, put, remove, scribe, start, untilCalled } from './steps.ts';
import type { Scenario } from './steps.ts';

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
  {
    name: 'hob starts again',
    before: [start(both)],
    steps: [{ ...start(both), what: 'hob is killed', act: (world) => world.kill() }],
  },
  ...hookPoints.map(refusing),
  hanging('witness'),
  { ...hanging('scribe'), onlyNew: true },
  // For the points that no other passes.
  ...[...rareScenarios, ...disturbedScenarios, ...faultyScenarios].map((each) => ({ ...each, onlyNew: true })),
];
