import { expect, it } from 'vitest';
import { jobsOf, nameOf, recordBoth } from './jobs.ts';
import { faultPoints, sourceOf, unknownMeans, unknownMeansIn } from './points.ts';
import { randomFrom } from '../support/random.ts';
import { scenarios } from './scenarios.ts';
import { openWitnessStage, walk } from './walk.ts';

/** With the same seed the same moments. `npm run walk` takes all of them. */
const seed = Number(process.env['HOB_WALK_SEED'] ?? 4);
const runs = Number(process.env['HOB_SHORT_WALK_RUNS'] ?? 20);
const chosen = [
  'start',
  'stop',
  'restart after a crash',
  'removal while starting',
  'job that completes',
  'hob starts again',
];

it(
  `hob and its keeper can die at any point: ${runs} of them, HOB_WALK_SEED=${seed}`,
  { timeout: 900_000 },
  async () => {
    const stage = await openWitnessStage();
    const ways = [];
    for (const scenario of scenarios.filter(({ name }) => chosen.includes(name)))
      ways.push(await recordBoth(stage, scenario));
    await stage.close();
    const random = randomFrom(seed);
    const jobs = ways
      .flatMap((way) => jobsOf(way, { action: 'kill', every: true }))
      .map((job) => ({ job, at: random.between(0, 1) }))
      .sort((one, other) => one.at - other.at)
      .slice(0, runs);
    const { defects } = await walk(
      jobs.map(({ job }) => job),
      3,
      () => undefined,
    );
    expect(defects.map(({ job, violations, output }) => `${nameOf(job)}: ${violations.join('; ')}\n${output}`)).toEqual(
      [],
    );
  },
);

it('everything by which hob could change something outside is known to do so, or not to', () => {
  expect(unknownMeans()).toEqual([]);
});

it.each([
  ["import { fork } from 'node:child_process';", 'fork of node:child_process'],
  ["const { execFile: run } = process.getBuiltinModule('node:child_process');", 'execFile of node:child_process'],
  ["const dgram = process.getBuiltinModule('dgram');", 'default of node:dgram'],
  ["process.getBuiltinModule('node:fs').truncate('/x');", 'default of node:fs'],
  ['const { write } = process.getBuiltinModule(which);', 'write of node:?'],
])('what is not known is told: %s', (text, what) => {
  expect(unknownMeansIn(sourceOf('some.ts', text))).toEqual([`some.ts: ${what}`]);
});

it('the points are found in the code: files, journal, mounts, signals, and both sides of both protocols', () => {
  const points = faultPoints().map(({ process, point }) => `${process} ${point}`);
  for (const known of [
    'hob journal: INSERT container',
    'hob journal: upgrade',
    'hob mount: umount2',
    'hob signal: pidfd_send_signal',
    'hob keeper: send start',
    'keeper keeper: send answer to start',
    'hob hook: receive ended',
  ])
    expect(points).toContain(known);
  expect(points).toContainEqual(
    expect.stringMatching(/^keeper file: writeSync at src\/keeper\/rotating-file\.ts:\d+$/),
  );
});
