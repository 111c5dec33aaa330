import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { crunRoot } from '../../src/runtime/instance/paths.ts';
import {
  deleteCrunState,
  killAndDeleteBundle,
  killAndFillEvents,
  killAndForget,
  killAndGiveBack,
  killAndLeaveStranger,
  killAndMessUp,
  killAndWriteProtect,
  killBoth,
  signalHelpers,
  signalKeeper,
} from './outside.ts';
import { applied } from './rare-scenarios.ts';
import { both, comes, giver, goesOn, hangs, put, remove, scribe, start, untilCalled } from './steps.ts';
import type { Scenario } from './steps.ts';

const forgetful: Scenario = {
  name: 'hob starts again, without what it has learnt',
  before: [start(both)],
  steps: [
    { ...start(both), what: 'hob is killed', act: killAndForget },
    put('its environment changes', 'second', both, { starts: 2 }),
  ],
};

/** What others do behind hob's back, and what it is to come back to. */
export const disturbedScenarios: readonly Scenario[] = [
  forgetful,
  {
    name: 'hob and its keeper start again',
    before: [start(both)],
    steps: [{ ...start(both), what: 'both are killed', act: killBoth }],
  },
  {
    name: 'hob and its keeper start again, in a mess',
    before: [start(both)],
    steps: [{ ...start(both), what: 'both are killed, and files damaged', act: killAndMessUp }],
  },
  {
    name: 'hob starts again, with no room for events',
    before: [start({})],
    steps: [
      goesOn('hob is killed', killAndFillEvents),
      put('its environment changes, which is an event', 'second', {}, { starts: 2 }),
    ],
  },
  {
    name: 'hob starts again, and can write nothing',
    before: [start({})],
    steps: [
      goesOn('the state directory becomes read-only', killAndWriteProtect),
      goesOn('it still is when hob is killed', (world) => world.kill()),
      goesOn('it can be written again', killAndGiveBack),
    ],
  },
  {
    name: 'hob starts again, and a bundle is gone',
    before: [start(scribe)],
    steps: [{ ...start(scribe, { hasFiles: false }), what: 'its bundle is deleted', act: killAndDeleteBundle }],
  },
  {
    name: 'hob starts again, and finds what nobody knows',
    before: [start({})],
    steps: [goesOn('a stranger is there', killAndLeaveStranger)],
  },
  {
    name: "crun's state is deleted",
    before: [],
    steps: [
      start({}),
      {
        what: 'it is there again',
        act: deleteCrunState,
        until: ({ runDir }, name) => existsSync(join(crunRoot(runDir), name, 'status')),
      },
    ],
  },
  {
    name: 'a crun that hangs when it is to go',
    before: [],
    steps: [
      comes(hangs),
      untilCalled('preStart', 'begin'),
      { what: 'crun hangs', act: (world, name) => signalHelpers(world, 'crun run', 'SIGSTOP', name) },
      remove(0),
    ],
  },
  {
    name: 'a keeper that hangs',
    before: [start({})],
    steps: [
      goesOn('hob is killed', async (world) => {
        await world.kill();
        signalKeeper(world, 'SIGSTOP');
      }),
    ],
  },
  {
    name: 'a keeper that is told to end, and holds a descriptor',
    before: [start(giver)],
    steps: [goesOn('it is told to end', (world) => signalKeeper(world, 'SIGTERM'), giver), remove(1)],
  },
  {
    name: 'a keeper that dies, and a program that it ran does not',
    before: [],
    steps: [
      comes(hangs),
      untilCalled('preStart', 'begin'),
      { what: 'it dies', act: (world) => signalKeeper(world, 'SIGKILL') },
      remove(0),
    ],
  },
];

/** What comes after a write that failed, or was done by a keeper that could not say so. */
export const faultyScenarios: readonly Scenario[] = [
  {
    ...applied,
    name: 'applied, when it cannot be kept at first',
    first: [{ process: 'hob', phase: 'before', point: 'file: rename at src/host/files.ts', action: 'fail' }],
  },
  {
    ...forgetful,
    name: 'what a module says of itself cannot be kept',
    first: [
      {
        process: 'hob',
        phase: 'before',
        point: 'file: writeFileSync at src/hooks/module/known-identity.ts',
        action: 'fail',
      },
    ],
  },
  {
    ...forgetful,
    name: 'a compiled filter cannot be kept at first',
    first: [
      {
        process: 'hob',
        phase: 'before',
        point: 'file: renameSync at src/runtime/oci/seccomp-cache.ts',
        action: 'fail',
      },
    ],
  },
  {
    name: 'a bundle cannot be written at first',
    first: [
      {
        process: 'hob',
        phase: 'before',
        point: 'file: writeFileSync at src/runtime/instance/files.ts',
        action: 'fail',
      },
    ],
    before: [],
    steps: [start(scribe)],
  },
  {
    name: 'a new limit cannot be noted',
    first: [{ process: 'hob', phase: 'before', point: 'file: renameSync at src/runtime/in-place.ts', action: 'fail' }],
    before: [start({ resources: { memory: '32Mi' } }, { memory: 32 * 2 ** 20 })],
    steps: [
      put('its memory limit changes', 'first', { resources: { memory: '48Mi' } }, { memory: 48 * 2 ** 20, starts: 1 }),
    ],
  },
  {
    name: 'output cannot be written at first',
    first: [
      { process: 'keeper', phase: 'before', point: 'file: writeSync at src/keeper/rotating-file.ts', action: 'fail' },
    ],
    before: [],
    steps: [start({})],
  },
  {
    name: 'a keeper dies when it has written output',
    first: [
      { process: 'keeper', phase: 'after', point: 'file: writeSync at src/keeper/rotating-file.ts', action: 'kill' },
    ],
    before: [],
    steps: [start({})],
  },
];
