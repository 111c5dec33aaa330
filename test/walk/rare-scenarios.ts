import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerError } from '../../src/cli/client.ts';
import { server, talker } from './commands.ts';
import { tearDown } from './outside.ts';
import { both, comes, fails, giver, hangs, put, remove, scribe, start, untilCalled } from './steps.ts';
import type { More, Scenario, Step } from './steps.ts';
import type { World } from './world.ts';

const witness = (data: More, more: More = {}): More => ({ plugins: [{ name: 'witness', data, ...more }] });

const talks = (log: object): Step => ({
  ...start({}),
  act: (world, name) => world.drop(name, talker(world, name, { marker: 'first', more: { log } })),
});

/** Who asks again after a death may hear that it is under way, or done. */
async function deleteOverApi(world: World, name: string): Promise<void> {
  await world.delete(name).catch((error: unknown) => {
    if (!(error instanceof ServerError && [404, 409].includes(error.status.code))) throw error;
  });
}

/** Once more when it was refused: the fault is over by then. */
async function applyOverApi(world: World, name: string): Promise<void> {
  const apply = (): Promise<void> => world.apply(name, server(world, name, { marker: 'first' }));
  await apply().catch(apply);
}

export const applied: Scenario = {
  name: 'applied and deleted over the API',
  before: [],
  steps: [
    { ...start({}), act: applyOverApi },
    { ...remove(1), act: deleteOverApi },
  ],
};

/** What people wish for less often. */
export const rareScenarios: readonly Scenario[] = [
  {
    name: 'stop and start by desiredState',
    before: [start(scribe)],
    steps: [
      put('it is to be stopped', 'first', { ...scribe, desiredState: 'Stopped' }, { state: 'ended' }),
      put('it is to run again', 'first', { ...scribe, desiredState: 'Running' }, { starts: 2 }),
    ],
  },
  {
    name: 'several spec changes',
    before: [start({}), put('its environment changes', 'second', {}, { starts: 2 })],
    steps: [put('it changes again', 'third', {}, { starts: 3 }), put('and again', 'fourth', {}, { starts: 4 })],
  },
  { name: 'a terminal', before: [], steps: [start({ terminal: true })] },
  { name: 'more output than a log holds', before: [], steps: [talks({ maxSize: '1Mi', maxFiles: 3 })] },
  { name: 'more output than a log of one file holds', before: [], steps: [talks({ maxSize: '1Mi', maxFiles: 1 })] },
  applied,
  {
    name: 'removal while a hook runs',
    before: [],
    steps: [comes(hangs), untilCalled('preStart', 'begin'), remove(0)],
  },
  { name: 'a descriptor that is held', before: [], steps: [start(giver), remove(1)] },
  {
    name: 'a plugin that has a program run',
    before: [],
    steps: [start(witness({ run: 'preStart', argv: ['/bin/true'] }))],
  },
  {
    name: 'a plugin whose program takes too long',
    before: [],
    steps: [fails(witness({ run: 'preStart', argv: ['/bin/sleep', '600'] }, { timeoutSeconds: 1 }))],
  },
  { name: 'a plugin that forgets', before: [], steps: [start(witness({ forget: 'postStart' }))] },
  { name: 'a hook that throws', before: [], steps: [start(witness({ throw: 'postStart' }))] },
  {
    name: 'a plugin that cannot be loaded',
    before: [],
    steps: [
      {
        what: 'it comes',
        act: ({ plugins }, name) => writeFileSync(join(plugins, `${name}.mjs`), `throw new Error('no use')`),
        until: (world, name) => world.output().includes(`${name}.mjs`),
      },
      { what: 'it goes', act: ({ plugins }, name) => rmSync(join(plugins, `${name}.mjs`), { force: true }) },
    ],
  },
  {
    name: 'everything is torn down',
    alone: true,
    before: [start(both)],
    // hob comes again, and with it the container; where it died over that, perhaps for the second time.
    steps: [{ ...start(both, { starts: [2, 3] }), what: 'all is to go', act: tearDown }],
  },
];
