/**
 * The walk: every scenario, with hob or its keeper dead at every fault point on its way. `main.ts [--scenario NAME] [--only TEXT]
 * [--every] [--action kill|fail|hang] [--share N] [--seed N] [--worlds N]`; run it under test/with-crun.sh.
 */

import { parseArgs } from 'node:util';
import { randomFrom } from '../support/random.ts';
import { coverage } from './coverage.ts';
import type { Fault } from './boundary/plan.ts';
import { jobsOf, nameOf, recordBoth, withoutRepeats } from './jobs.ts';
import type { Job, Recorded } from './jobs.ts';
import { scenarios } from './scenarios.ts';
import type { Scenario } from './steps.ts';
import { openWitnessStage, walk } from './walk.ts';
import type { Result } from './walk.ts';
import { endWithThisProcess } from './world.ts';

const { values } = parseArgs({
  options: {
    scenario: { type: 'string' },
    only: { type: 'string' },
    action: { type: 'string', default: 'kill' },
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    worlds: { type: 'string', default: '6' },
    every: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});

endWithThisProcess();
const began = performance.now();
const say = (line: string): void =>
  console.log(`${((performance.now() - began) / 1000).toFixed(0).padStart(4)} s  ${line}`);

const chosen = scenarios.filter(({ name }) => values.scenario === undefined || name === values.scenario);
const ways = await recordAll();
// A scenario that was asked for is walked whole.
const walked = values.every || values.scenario !== undefined ? ways : withoutRepeats(ways);
const wanted = walked
  .flatMap(allJobsOf)
  .filter((job) => values.only === undefined || nameOf(job).includes(values.only));
const taken = sample(wanted, Number(values.share), Number(values.seed));
const moments = taken.flatMap(({ faults }) => faults).length;
say(`${chosen.length} scenarios, ${moments} moments in ${taken.length} runs; seed ${values.seed}`);
if (values.list) for (const job of taken) console.log(nameOf(job));
else await report();

function allJobsOf(way: readonly Recorded[]): Job[] {
  const actions = values.action.split(',') as Fault['action'][];
  return actions.flatMap((action) => jobsOf(way, { action, every: values.every }));
}

/** Side by side, as most of each is waiting. */
async function recordAll(): Promise<Recorded[][]> {
  const ways = new Map<Scenario, Recorded[]>();
  const queue = [...chosen];
  const work = async (): Promise<void> => {
    const stage = await openWitnessStage();
    for (let next = queue.shift(); next; next = queue.shift())
      ways.set(next, next.alone ? await recordAlone(next) : await recordBoth(stage, next));
    await stage.close();
  };
  await Promise.all(Array.from({ length: Math.min(3, chosen.length) }, work));
  return chosen.map((scenario) => ways.get(scenario) ?? []);
}

async function recordAlone(scenario: Scenario): Promise<Recorded[]> {
  const stage = await openWitnessStage({ alone: true });
  const recorded = await recordBoth(stage, scenario);
  await stage.close();
  return recorded;
}

async function report(): Promise<void> {
  const first = await walk(taken, Number(values.worlds), say);
  const second = await walk(onOtherWays(first), Number(values.worlds), say);
  const defects = [...first.defects, ...second.defects];
  const came = pointsOf([...first.fired, ...second.fired]);
  const nowhere = pointsOf(taken).difference(came);
  const { registered, walked, unwalked, unexplained } = coverage(ways.flat());
  for (const { job, violations, output } of defects)
    console.log(
      `\nDEFECT ${nameOf(job)}\n  ${violations.join('\n  ')}\n  again: ${commandFor(job)}\n${output.replaceAll(/^/gm, '    | ')}`,
    );
  for (const job of first.missed) say(`never passed again: ${nameOf(job)}`);
  for (const point of nowhere) say(`PASSED, BUT NO FAULT CAME THERE IN ANY SCENARIO: ${point}`);
  const isWhole = values.scenario === undefined;
  if (isWhole)
    for (const [why, points] of Map.groupBy(unwalked, (each) => each.why))
      say(`${points.length} points on no way: ${why}`);
  if (isWhole) for (const { process, point } of unexplained) say(`ON NO WAY, and nobody says why: ${process} ${point}`);
  say(
    `${registered} fault points in the code, ${walked} on the ways of ${chosen.length} scenarios, ${came.size} with a fault that came; ` +
      `${moments} moments, ${first.missed.length} of them never passed again; ` +
      `${first.runs + second.runs} runs, seed ${values.seed}; ${defects.length} defects`,
  );
  process.exit(defects.length === 0 && nowhere.size === 0 && (!isWhole || unexplained.length === 0) ? 0 : 1);
}

/** Timing may keep a point from being passed in the scenario where it is to be walked. Others pass it as well. */
function onOtherWays({ fired, missed }: Result): Job[] {
  const left = pointsOf(missed).difference(pointsOf(fired));
  const known = new Set(missed.map(nameOf));
  return ways
    .flatMap((way) => allJobsOf(way))
    .map(({ scenario, faults }) => ({ scenario, faults: faults.filter((fault) => left.has(pointOf(fault))) }))
    .filter((job) => job.faults.length > 0 && !known.has(nameOf(job)));
}

function pointOf({ process, mark }: Fault): string {
  return `${process} ${mark.point}`;
}

function pointsOf(jobs: readonly Job[]): Set<string> {
  return new Set(jobs.flatMap(({ faults }) => faults.map(pointOf)));
}

/** Runs it alone. It goes by the first fault: which one comes with it may be another the next time. */
function commandFor({ scenario, faults: [first] }: Job): string {
  const only = nameOf({ scenario, faults: first ? [first] : [] });
  return `npm run walk -- --every --action ${first?.action} --scenario '${scenario.name}' --only '${only}'`;
}

/** The same share for the same seed. */
function sample(all: readonly Job[], share: number, seed: number): Job[] {
  const random = randomFrom(seed);
  return all.filter(() => random.between(0, 1) < share);
}
