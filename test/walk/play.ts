import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Plan, ProcessName } from './boundary/plan.ts';
import type { Passed } from './deaths.ts';
import { settled } from './invariants/check.ts';
import { withRestarts } from './invariants/expected.ts';
import type { Expected } from './invariants/expected.ts';
import { killBoth } from './outside.ts';
import type { Scenario, Step } from './steps.ts';
import { makeWorld } from './world.ts';
import type { World } from './world.ts';

const preload = join(import.meta.dirname, 'boundary/preload.ts');
const lookAgainMs = 40;
/** What has not settled by then does not settle, on a machine that is as busy as can be. */
const patienceMs = 60_000;
/** Where keepers are lost in play after play, hob seeks the next one after longer and longer pauses, of 10 s in the end. */
const failurePatienceMs = 90_000;
/** What hob does on its own time has come by then: it looks at everything every two seconds. */
const ownTimeMs = 3_000;
/** Of who waits for what may hang for ever. Then somebody kills hob and its keeper, as a watchdog would. */
const hangPatienceMs = 8_000;

/** What came of one scenario with one fault. */
export interface Outcome {
  /** What is not as it has to be, in words. */
  readonly violations: readonly string[];
  /** The faults whose process got to their point. */
  readonly fired: Plan['faults'] & {};
}

/** A world with a hob whose fault points can be used, and a container that nobody disturbs in it. */
export interface Stage {
  readonly world: World;
  /** Play a scenario without a fault, and answer what hob and its keeper passed. */
  record(scenario: Scenario): Promise<Readonly<Record<ProcessName, Passed[]>> & { violations: readonly string[] }>;
  /**
   * @param faults one a process at most
   * @param patient when all is done, waits some seconds for a fault that has not come
   */
  play(scenario: Scenario, faults: readonly Fault[], options?: { patient: boolean }): Promise<Outcome>;
  close(): Promise<void>;
}

/** @param prepare has the world got ready: plugins, and containers that are there all the time */
export async function openStage(prepare: (world: World) => readonly Expected[]): Promise<Stage> {
  const world = makeWorld();
  const { planFile } = world;
  const env = { NODE_OPTIONS: `--import ${preload}`, HOB_WALK_PLAN: planFile };
  const bystanders = prepare(world);
  let plays = 0;
  /** Of the play: steps that fail, each of which may cost one start, and what may hang. */
  let failures = 0;
  let hangs = 0;

  const setPlan = (plan: Plan): void => {
    writeFileSync(`${planFile}.new`, JSON.stringify(plan));
    renameSync(`${planFile}.new`, planFile);
  };
  const clearPlan = (): void => rmSync(planFile, { force: true });

  async function revive(): Promise<void> {
    while (world.death !== undefined || world.pid === 0) {
      world.start(env);
      await world.waitUntilUp(hangs > 0 ? hangPatienceMs : undefined).catch(endWhatHangs);
    }
  }

  function patience(): number {
    if (hangs > 0) return hangPatienceMs;
    return failures > 0 ? failurePatienceMs : patienceMs;
  }

  /** @throws the error of who waited in vain, when nothing that may hang was to blame */
  async function endWhatHangs(error: unknown): Promise<void> {
    if (hangs === 0) throw error;
    hangs -= 1;
    await killBoth(world);
  }

  /** Until nothing is wrong any more; hob is started again whenever it dies meanwhile. */
  async function settle(expected: readonly Expected[]): Promise<string[]> {
    for (;;) {
      const left = hangs;
      const violations = await settleWithin(patience(), expected);
      if (violations.length === 0 || left === 0) return violations;
      if (hangs === left) await endWhatHangs(violations);
    }
  }

  async function settleWithin(ms: number, expected: readonly Expected[]): Promise<string[]> {
    const deadline = performance.now() + ms;
    for (;;) {
      await revive();
      const violations = await settled(world, [...bystanders, ...expected], deadline - performance.now());
      if (world.death === undefined) return violations;
    }
  }

  async function untilSeen({ what, until }: Step, name: string): Promise<string[]> {
    let deadline = performance.now() + patience();
    while (until && !until(world, name)) {
      await revive();
      await delay(lookAgainMs);
      if (performance.now() < deadline) continue;
      if (hangs === 0) return [`${name}: waited in vain until ${what}`];
      await endWhatHangs(undefined);
      deadline = performance.now() + patience();
    }
    return [];
  }

  /** What asks hob may have to ask the next one again, as people would. */
  async function act(step: Step, name: string): Promise<void> {
    let triedAgain = 0;
    for (;;) {
      await revive();
      try {
        return await unlessItHangs(async () => step.act?.(world, name));
      } catch (error) {
        await Promise.race([world.ended(), delay(500)]);
        if (world.death === undefined && failures === triedAgain) throw error;
        if (world.death === undefined) triedAgain += 1;
      }
    }
  }

  async function unlessItHangs(action: () => Promise<void>): Promise<void> {
    if (hangs === 0) return action();
    const done = new AbortController();
    const inVain = delay(hangPatienceMs, undefined, { signal: done.signal }).then(async () => {
      await endWhatHangs(undefined);
      throw new Error('it hangs');
    });
    await Promise.race([action(), inVain]).finally(() => done.abort());
  }

  async function carryOut(step: Step, name: string): Promise<string[]> {
    await act(step, name);
    const unseen = await untilSeen(step, name);
    return unseen.length > 0 || !step.then ? unseen : settle([withRestarts(step.then(name), failures)]);
  }

  async function carryOutAll(steps: readonly Step[], name: string): Promise<string[]> {
    for (const step of steps) {
      const violations = await carryOut(step, name);
      if (violations.length > 0) return violations.map((violation) => `${step.what}: ${violation}`);
    }
    return [];
  }

  /** Time for what has not come yet. All is to be afterwards as it was before. */
  const timePasses = ({ steps }: Scenario, isEnough: () => boolean): Step => ({
    ...steps.at(-1),
    what: 'time passes',
    async act() {
      const deadline = performance.now() + ownTimeMs;
      while (!isEnough() && performance.now() < deadline) await delay(lookAgainMs);
    },
  });

  async function takeAway(name: string): Promise<void> {
    if (existsSync(join(world.watch, `${name}.yaml`))) world.remove(name);
    else await world.delete(name).catch(() => undefined);
  }

  function expectCostsOf(faults: readonly Pick<Fault, 'action'>[]): void {
    failures = faults.filter(({ action }) => action !== 'kill').length;
    hangs = faults.filter(({ action }) => action === 'hang').length;
  }

  async function playWith(scenario: Scenario, plan: (id: string) => Plan, { patient = false } = {}): Promise<Outcome> {
    [failures, hangs] = [0, 0];
    const name = `c${(plays += 1)}`;
    const before = await carryOutAll(scenario.before, name);
    if (before.length > 0) return { violations: before.map((each) => `before: ${each}`), fired: [] };
    const id = `${name}-${process.pid}`;
    setPlan(plan(id));
    const faults = plan(id).faults ?? [];
    // Those of the scenario itself come first, and it says what they cost.
    expectCostsOf(faults.slice(scenario.first?.length ?? 0));
    const firedNow = (): typeof faults => faults.filter((_fault, index) => hasFired(id, index));
    const more = patient ? [timePasses(scenario, () => firedNow().length === faults.length)] : [];
    const during = await carryOutAll([...scenario.steps, ...more], name);
    clearPlan();
    const fired = firedNow();
    // hob's own are counted where it is started.
    for (const { process: name, action } of fired) if (name === 'keeper' && action === 'kill') world.noteDeath();
    if (during.length > 0) return { violations: during, fired };
    await takeAway(name);
    const after = await settle([{ name, state: 'absent' }]);
    return { violations: after.map((each) => `in the end: ${each}`), fired };
  }

  const hasFired = (id: string, index: number): boolean =>
    existsSync(`${planFile}.fired`) && readFileSync(`${planFile}.fired`, 'utf8').split('\n').includes(`${id} ${index}`);

  await revive();
  const violations = await settle([]);
  if (violations.length > 0) throw new Error(`the stage does not settle: ${violations.join('; ')}\n${world.output()}`);
  return {
    world,
    async record(scenario) {
      const trace = join(world.dir, `trace-${plays}`);
      const { violations } = await playWith(scenario, (id) => ({ id, trace, faults: scenario.first ?? [] }));
      return { hob: readTrace(`${trace}.hob`), keeper: readTrace(`${trace}.keeper`), violations };
    },
    play: (scenario, faults, options) =>
      playWith(scenario, (id) => ({ id, faults: [...(scenario.first ?? []), ...faults] }), options),
    close: () => world.dispose(),
  };
}

function readTrace(path: string): Passed[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  return lines.map((line) => JSON.parse(line) as Passed);
}
