import type { Fault, ProcessName } from './boundary/plan.ts';
import { keyOf } from './boundary/plan.ts';
import { momentsToDie } from './deaths.ts';
import type { Passed } from './deaths.ts';
import type { Stage } from './play.ts';
import type { Scenario } from './scenarios.ts';

/** One run of the walk: a scenario with one fault. */
export interface Job {
  readonly scenario: Scenario;
  readonly fault: Fault;
}

/** What a process passes on the way of a scenario. */
export interface Recorded {
  readonly scenario: Scenario;
  readonly process: ProcessName;
  readonly passed: readonly Passed[];
}

/** @throws Error when it does not even go well without a fault */
export async function recordBoth(stage: Stage, scenario: Scenario): Promise<Recorded[]> {
  const { hob, keeper, violations } = await stage.record(scenario);
  if (violations.length > 0)
    throw new Error(
      `without any fault, "${scenario.name}" goes wrong: ${violations.join('; ')}\n${stage.world.output()}`,
    );
  return [
    { scenario, process: 'hob', passed: hob },
    { scenario, process: 'keeper', passed: keeper },
  ];
}

/** A job for each moment of the recorded way; for faults that are no death, one for each effect. */
export function jobsOf({ scenario, process, passed }: Recorded, action: Fault['action']): Job[] {
  const moments = action === 'kill' ? momentsToDie(passed) : firstOfEach(passed);
  return moments.map(({ point, detail, phase, occurrence }) => ({
    scenario,
    fault: { process, mark: { point, detail, phase }, occurrence, action },
  }));
}

const firstOfEach = (passed: readonly Passed[]): Passed[] =>
  passed.filter(({ phase, occurrence }) => phase === 'before' && occurrence === 1);

/** For people, and to have it again: `start / hob / kill after journal: INSERT container #2`. */
export const nameOf = ({ scenario, fault: { process, action, mark, occurrence } }: Job): string =>
  `${scenario.name} / ${process} / ${action} ${keyOf(mark).trim()} #${occurrence}`;
