import { wordsOf } from '../../src/host/errors.ts';
import type { Expected } from './invariants/expected.ts';
import { initOf } from './invariants/check.ts';
import { server } from './commands.ts';
import type { Job } from './jobs.ts';
import { nameOf } from './jobs.ts';
import { untilNoticed } from './outside.ts';
import { openStage } from './play.ts';
import type { Outcome, Stage } from './play.ts';
import type { Scenario } from './steps.ts';
import { installGiver, installWitness } from './witness/install.ts';

/** A run that went wrong. */
export interface Defect {
  readonly job: Job;
  readonly violations: readonly string[];
  /** The end of what hob printed. */
  readonly output: string;
}

export interface Result {
  readonly runs: number;
  /** What came, of all that was to come. */
  readonly fired: readonly Job[];
  /** What no process got to in several runs: timing decides whether some points are passed at all. */
  readonly missed: readonly Job[];
  readonly defects: readonly Defect[];
}

const mostTries = 3;

/** Carry out the jobs, several worlds side by side. */
export async function walk(jobs: readonly Job[], worlds: number, tell: (line: string) => void): Promise<Result> {
  const queue = jobs.map((job) => ({ job, tries: 1 }));
  const came: Job[] = [];
  const missed: Job[] = [];
  const defects: Defect[] = [];
  let runs = 0;

  async function work(): Promise<void> {
    let stage = await openWitnessStage();
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { job, tries } = next;
      const { violations, fired } = await playOn(stage, job, tries);
      const missing = { ...job, faults: job.faults.filter((fault) => !fired.includes(fault)) };
      came.push({ ...job, faults: job.faults.filter((fault) => fired.includes(fault)) });
      runs += 1;
      if (violations.length > 0) {
        defects.push({ job, violations, output: stage.world.output().slice(-6000) });
        tell(`${nameOf(job)}: ${violations.join('; ')}`);
        // What one left behind must not be laid at the door of the next.
        await stage.close();
        stage = await openWitnessStage();
      } else if (missing.faults.length > 0 && tries < mostTries) queue.push({ job: missing, tries: tries + 1 });
      else if (missing.faults.length > 0) missed.push(missing);
      if (runs % 50 === 0) tell(`${runs} runs, ${queue.length} to go, ${defects.length} defects`);
    }
    await stage.close();
  }

  await Promise.all(Array.from({ length: Math.min(worlds, jobs.length) }, work));
  return { runs, fired: came, missed, defects };
}

/**
 * What did not come is tried again with more patience, and once on a stage of its own: some points are passed only the first time in a world,
 * as an event that comes again is counted and not written anew.
 */
async function playOn(stage: Stage, { scenario, faults }: Job, tries: number): Promise<Outcome> {
  const patient = tries > 1;
  if (!scenario.alone && tries !== 2) return stage.play(scenario, faults, { patient }).catch(brokenOff);
  const own = await openWitnessStage(scenario);
  const outcome = await own.play(scenario, faults, { patient }).catch(brokenOff);
  await own.close();
  return outcome;
}

const brokenOff = (error: unknown): Outcome => ({ violations: [`broken off: ${wordsOf(error)}`], fired: [] });

/** With both plugins, and a container that has no part in what happens. @param alone without that container */
export async function openWitnessStage({ alone = false }: Pick<Scenario, 'alone'> = {}): Promise<Stage> {
  const bystander: Expected = { name: 'bystander', state: 'running', marker: 'first', starts: 1 };
  const expected = [bystander];
  const stage = await openStage((world) => {
    installWitness(world, 'witness');
    installWitness(world, 'scribe');
    installGiver(world);
    if (alone) return [];
    world.drop('bystander', server(world, 'bystander', { marker: 'first', more: { plugins: [{ name: 'scribe' }] } }));
    return expected;
  });
  if (alone) return stage;
  expected[0] = { ...bystander, init: initOf(stage.world, 'bystander') };
  // The last that hob does for it, at a time of its own: no scenario is to take that for a part of its way.
  await untilNoticed(stage.world, 'bystander');
  return stage;
}
