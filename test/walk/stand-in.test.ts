import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { monotonic, timersPromises } from './stand-in/clock.ts';
import { type Command, walks } from './stand-in/commands.ts';
import { walk } from './stand-in/walk.ts';
import { bootOfWalk } from './stand-in/world.ts';

vi.mock('node:timers/promises', () => timersPromises);
vi.mock('node:os', async (original) => ({ ...(await original<object>()), uptime: () => monotonic() / 1000 }));
vi.mock('../../src/host/boot.ts', async (original) => ({
  ...(await original<object>()),
  bootID: () => bootOfWalk(),
}));

/** Of the walks. The same seed gives the same ones, so that CI walks today as it walked yesterday; the soak takes another each time. */
const seed = Number(process.env['HOB_WALK_SEED'] ?? 4);
const runs = Number(process.env['HOB_WALK_RUNS'] ?? 250);

it(
  `keeps its promises in ${runs} random walks (HOB_WALK_SEED=${seed})`,
  { timeout: 120_000 + runs * 500 },
  async () => {
    const outcome = await fc.check(fc.asyncProperty(walks, walk), { seed, numRuns: runs });
    const why = outcome.errorInstance instanceof Error ? outcome.errorInstance.message : '';
    expect(outcome.failed ? `${fc.defaultReportMessage(outcome)}\n${why}` : '').toBe('');
  },
);

const serve = {
  do: 'declare',
  name: 'c0',
  wish: { command: ['serve'], policy: 'Always', state: 'Running', memory: undefined, plugins: [] },
} satisfies Command;
const needy: Command = { ...serve, wish: { ...serve.wish, plugins: [{ name: 'alpha', required: true }] } };

/** Walks that hob once lost its way in. */
it.each<[string, Command[]]>([
  [
    'an init ends, and hob is back before crun has said how',
    [
      serve,
      { do: 'pass', ms: 600 },
      { do: 'latency', ms: 2500 },
      { do: 'kill', name: 'c0', oom: false },
      { do: 'die', gates: [0] },
    ],
  ],
  [
    'a plugin comes while hob is dead',
    [{ do: 'plugin', plugin: 'alpha', present: false }, needy, { do: 'pass', ms: 600 }, { do: 'die', gates: [0] }],
  ],
  [
    'what a container was made from is gone when hob is back in the middle of its start',
    [
      serve,
      { do: 'pass', ms: 4 },
      { do: 'rootfs', name: 'c0', missing: true },
      { do: 'die', gates: [0] },
      { do: 'pass', ms: 600 },
    ],
  ],
  [
    'hob dies after a start that it could note in a copy alone, as the disk was full',
    [
      { ...serve, wish: { ...serve.wish, plugins: [{ name: 'alpha', required: false }] } },
      { do: 'pass', ms: 600 },
      { do: 'disk', full: true },
      { do: 'change', name: 'c0', change: { command: ['serve', 'otherwise'] } },
      { do: 'pass', ms: 600 },
      { do: 'die', gates: [0] },
    ],
  ],
  [
    'a container ends while it is to be paused',
    [
      { ...serve, wish: { ...serve.wish, state: 'Paused' } },
      { do: 'pass', ms: 13 },
      { do: 'kill', name: 'c0', oom: false },
    ],
  ],
])('finds its way: %s', async (_, commands) => {
  await walk({ commands });
});
