import type { Fault, ProcessName } from './boundary/plan.ts';
import { keyOf } from './boundary/plan.ts';
import { firstAfterEach, momentsToDie } from './deaths.ts';
import type { Passed } from './deaths.ts';
import type { Stage } from './play.ts';
import { whySpared } from './spared.ts';
import type { Scenario } from './steps.ts';

/** One run of the walk: a scenario with a fault, or with one in each process. */
export interface Job {
  readonly scenario: Scenario;
  readonly faults: readonly Fault[];
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

/** The ways, those of scenarios that are there for new points without what the others pass. */
export function withoutRepeats(ways: readonly (readonly Recorded[])[]): Recorded[][] {
  const keyOfMark = (process: ProcessName, mark: Passed): string => `${process} ${mark.point}`;
  const usual = ways.flat().filter(({ scenario }) => !scenario.onlyNew);
  const known = new Set(usual.flatMap(({ process, passed }) => passed.map((mark) => keyOfMark(process, mark))));
  return ways.map((way) =>
    way.map((recorded) => {
      const { scenario, process, passed } = recorded;
      if (!scenario.onlyNew) return recorded;
      const left = passed.filter((mark) => !known.has(keyOfMark(process, mark)));
      for (const mark of left) known.add(keyOfMark(process, mark));
      return { ...recorded, passed: left };
    }),
  );
}

export interface JobOptions {
  readonly action: Fault['action'];
  /** Every moment of the way; otherwise only once what comes again and again. */
  readonly every: boolean;
}

/**
 * Jobs for all that was recorded of a scenario. hob and its keeper die in the same run, about when each would have: a run in which both die
 * is the harder one, and there are fewer of them.
 */
export function jobsOf([hob, keeper]: readonly Recorded[], options: JobOptions): Job[] {
  const [ofHob, ofKeeper] = [faultsOf(hob, options), faultsOf(keeper, options)];
  const [many, few] = ofHob.length >= ofKeeper.length ? [ofHob, ofKeeper] : [ofKeeper, ofHob];
  const partners = new Map(few.map((fault, at) => [Math.floor((at * many.length) / few.length), fault]));
  const { scenario } = hob ?? {};
  if (!scenario) return [];
  return many.map((fault, at) => {
    const partner = partners.get(at);
    return { scenario, faults: partner ? [fault, partner] : [fault] };
  });
}

function faultsOf(recorded: Recorded | undefined, { action, every }: JobOptions): Fault[] {
  const { process, passed } = recorded ?? { process: 'hob' as const, passed: [] };
  return momentsFor(action, every, passed).map(({ point, detail, phase, occurrence }) => ({
    process,
    mark: { point, detail, phase },
    occurrence,
    action,
  }));
}

function momentsFor(action: Fault['action'], every: boolean, passed: readonly Passed[]): Passed[] {
  if (action === 'kill') return every ? momentsToDie(passed) : firstAfterEach(passed);
  return passed.filter(
    ({ phase, occurrence, point }) =>
      phase === 'before' && (every || occurrence === 1) && whySpared(action, point) === undefined,
  );
}

/** For people, and to have it again: `start / hob: kill after journal: INSERT container #2`. */
export const nameOf = ({ scenario, faults }: Job): string => [scenario.name, ...faults.map(nameOfFault)].join(' / ');

const nameOfFault = ({ process, action, mark, occurrence }: Fault): string =>
  `${process}: ${action} ${keyOf(mark).trim()} #${occurrence}`;
