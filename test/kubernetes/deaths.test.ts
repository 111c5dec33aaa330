import { afterAll, beforeAll, expect, it } from 'vitest';
import { randomFrom } from '../support/random.ts';
import { deathScenarios } from './support/death-scenarios.ts';
import { openDeathStage, type DeathStage } from './support/death-stage.ts';
import { learn, nameOf, walkDeaths, type DeathJob } from './support/death-walk.ts';
import type { Cluster } from './support/cluster.ts';
import { sharedCluster } from './support/shared-cluster.ts';

/** With the same seed the same moments. `HOB_DEATHS=all` takes all of them, `HOB_DEATHS=kill` those that have this in their name. */
const seed = Number(process.env['HOB_DEATHS_SEED'] ?? 1);
const wanted = process.env['HOB_DEATHS'];
const runs = Number(process.env['HOB_DEATHS_RUNS'] ?? (wanted === undefined ? 14 : Infinity));

let cluster: Cluster;
let stages: DeathStage[] = [];
beforeAll(async () => {
  cluster = await sharedCluster();
  stages = await Promise.all([1, 2, 3].map(() => openDeathStage(cluster)));
});
afterAll(() => Promise.all(stages.map((stage) => stage.close())));

it(
  `hob can die at any message to and from the API server, and any of them can fail: HOB_DEATHS_SEED=${seed}`,
  { timeout: 7_200_000 },
  async () => {
    const all = await learn(stages, deathScenarios);
    const jobs = sample(all.filter((job) => wanted === undefined || wanted === 'all' || nameOf(job).includes(wanted)));
    const { defects, missed } = await walkDeaths(cluster, stages, jobs, (line) => console.log(line));
    console.log(
      `${new Set(all.map(({ fault }) => fault.mark)).size} kinds of messages in ${deathScenarios.length} scenarios, ${all.length} moments; ` +
        `${jobs.length} runs, seed ${seed}; ${defects.length} defects; never passed again: ${missed.map(nameOf).join(', ') || 'none'}`,
    );
    expect(defects).toEqual([]);
    // Timing decides whether some messages pass at all, but not whether most do.
    expect(missed.length).toBeLessThan(Math.max(2, jobs.length / 4));
  },
);

/** Deaths and other faults by halves, as there are many more of these. */
function sample(jobs: readonly DeathJob[]): DeathJob[] {
  if (runs === Infinity) return [...jobs];
  const random = randomFrom(seed);
  const mixed = jobs
    .map((job) => ({ job, at: random.between(0, 1) }))
    .sort((one, other) => one.at - other.at)
    .map(({ job }) => job);
  const isDeath = ({ fault }: DeathJob): boolean => fault.action === 'kill';
  // Ten seconds each, of which nothing happens.
  const isQuick = ({ fault }: DeathJob): boolean => fault.action !== 'silence';
  return [
    ...mixed.filter(isDeath).slice(0, Math.ceil(runs / 2)),
    ...mixed.filter((job) => !isDeath(job) && isQuick(job)).slice(0, Math.floor(runs / 2)),
  ];
}
