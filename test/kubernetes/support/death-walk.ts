import { wordsOf } from '../../../src/host/errors.ts';
import type { Action, ApiFault, Moment } from './api-proxy.ts';
import type { Cluster } from './cluster.ts';
import type { DeathScenario } from './death-scenarios.ts';
import { openDeathStage, type DeathOutcome, type DeathStage } from './death-stage.ts';

/** One run: a scenario with a fault. */
export interface DeathJob {
  readonly scenario: DeathScenario;
  readonly fault: ApiFault;
}

export interface DeathWalk {
  /** In words, each with the run that it came in, and the end of what hob printed. */
  readonly defects: readonly string[];
  /** Where no message passed in several runs: timing decides whether some do. */
  readonly missed: readonly DeathJob[];
}

const mostTries = 3;

/** What may happen to a message instead of a death: one that the server never got, one whose answer got lost, one of a watch. */
const faults: Readonly<Record<string, readonly Action[]>> = {
  before: [409, 429, 500, 503, 'cut', 'silence', 'slow'],
  after: [500, 'cut', 'silence', 'slow'],
  line: ['cut', 'slow'],
};

/** @param actions deaths, or everything else */
export const jobsAt = (scenario: DeathScenario, passed: readonly Moment[], actions: 'deaths' | 'faults'): DeathJob[] =>
  passed
    .filter(({ mark }) => !isOnItsOwnTime(mark, scenario))
    .flatMap(({ mark, occurrence }) => {
      const [when = ''] = mark.split(' ');
      const each = actions === 'deaths' ? (['kill'] as const) : (faults[when] ?? []);
      return each.map((action) => ({ scenario, fault: { mark, occurrence, action } }));
    });

/** The lease is renewed every ten seconds, whatever else happens; when hob starts, it is looked at for sure. */
const isOnItsOwnTime = (mark: string, { name }: DeathScenario): boolean =>
  mark.endsWith(' leases') && name !== 'hob starts again';

export const nameOf = ({ scenario, fault: { action, mark, occurrence } }: DeathJob): string =>
  `${scenario.name} / ${action} ${mark} #${occurrence}`;

/** Play each scenario without a fault. @throws Error when one goes wrong even so */
export async function learn(stages: readonly DeathStage[], scenarios: readonly DeathScenario[]): Promise<DeathJob[]> {
  const jobs = new Map<DeathScenario, DeathJob[]>();
  await sideBySide(stages, [...scenarios], async (stage, scenario) => {
    const { violations, passed } = await stage.play(scenario);
    if (violations.length > 0)
      throw new Error(
        `without any fault, "${scenario.name}" goes wrong: ${violations.join('; ')}\n${stage.world.output()}`,
      );
    jobs.set(scenario, [...jobsAt(scenario, passed, 'deaths'), ...jobsAt(scenario, passed, 'faults')]);
    return stage;
  });
  return scenarios.flatMap((scenario) => jobs.get(scenario) ?? []);
}

/** Carry out the jobs on these stages. */
export async function walkDeaths(
  cluster: Cluster,
  stages: DeathStage[],
  jobs: readonly DeathJob[],
  tell: (line: string) => void,
): Promise<DeathWalk> {
  const defects: string[] = [];
  const missed: DeathJob[] = [];
  const queue = jobs.map((job) => ({ job, tries: 1 }));
  await sideBySide(stages, queue, async (stage, { job, tries }) => {
    const { violations, hasCome } = await stage.play(job.scenario, job.fault).catch(brokenOff);
    if (violations.length === 0) {
      if (!hasCome && tries < mostTries) queue.push({ job, tries: tries + 1 });
      else if (!hasCome) missed.push(job);
      return stage;
    }
    const defect = `${nameOf(job)}: ${violations.join('; ')}\n${stage.world.output().slice(-6_000)}`;
    tell(defect);
    defects.push(defect);
    // What one left behind must not be laid at the door of the next.
    await stage.close();
    const fresh = await openDeathStage(cluster);
    stages[stages.indexOf(stage)] = fresh;
    return fresh;
  });
  return { defects, missed };
}

const brokenOff = (error: unknown): DeathOutcome => ({
  violations: [`broken off: ${wordsOf(error)}`],
  passed: [],
  hasCome: false,
});

/** @param work answers the stage for what is next */
async function sideBySide<T>(
  stages: readonly DeathStage[],
  queue: T[],
  work: (stage: DeathStage, item: T) => Promise<DeathStage>,
): Promise<void> {
  const workOn = async (first: DeathStage): Promise<void> => {
    let stage = first;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) stage = await work(stage, next);
  };
  await Promise.all(stages.map(workOn));
}
