import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Plan, ProcessName } from './boundary/plan.ts';
import type { Passed } from './deaths.ts';
import { settled } from './invariants/check.ts';
import type { Expected } from './invariants/expected.ts';
import type { Scenario, Step } from './scenarios.ts';
import { makeWorld } from './world.ts';
import type { World } from './world.ts';

const preload = join(import.meta.dirname, 'boundary/preload.ts');
const lookAgainMs = 40;
/** What has not settled by then does not settle. */
const patienceMs = 20_000;

/** What came of one scenario with one fault. */
export interface Outcome {
  /** What is not as it has to be, in words. */
  readonly violations: readonly string[];
  /** The faults whose process got to their point. */
  readonly fired: readonly Fault[];
}

/** A world with a hob whose fault points can be used, and a container that nobody disturbs in it. */
export interface Stage {
  readonly world: World;
  /** Play a scenario without a fault, and answer what hob and its keeper passed. */
  record(scenario: Scenario): Promise<Readonly<Record<ProcessName, Passed[]>> & { violations: readonly string[] }>;
  /** @param faults one a process at most */
  play(scenario: Scenario, faults: readonly Fault[]): Promise<Outcome>;
  close(): Promise<void>;
}

/** @param prepare has the world got ready: plugins, and containers that are there all the time */
export async function openStage(prepare: (world: World) => readonly Expected[]): Promise<Stage> {
  const world = makeWorld();
  const planFile = join(world.dir, 'plan');
  const env = { NODE_OPTIONS: `--import ${preload}`, HOB_WALK_PLAN: planFile };
  const bystanders = prepare(world);
  let plays = 0;

  const setPlan = (plan: Plan): void => {
    writeFileSync(`${planFile}.new`, JSON.stringify(plan));
    renameSync(`${planFile}.new`, planFile);
  };
  const clearPlan = (): void => rmSync(planFile, { force: true });

  async function revive(): Promise<void> {
    while (world.death !== undefined || world.pid === 0) {
      world.start(env);
      await world.waitUntilUp();
    }
  }

  /** Until nothing is wrong any more; hob is started again whenever it dies meanwhile. */
  async function settle(expected: readonly Expected[]): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      await revive();
      const violations = await settled(world, [...bystanders, ...expected], deadline - performance.now());
      if (world.death === undefined) return violations;
    }
  }

  async function untilSeen({ what, until }: Step, name: string): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    while (until && !until(world, name)) {
      await revive();
      if (performance.now() > deadline) return [`${name}: waited in vain until ${what}`];
      await delay(lookAgainMs);
    }
    return [];
  }

  /** What asks hob may have to ask the next one again, as people would. */
  async function act(step: Step, name: string): Promise<void> {
    for (;;) {
      await revive();
      try {
        return await step.act?.(world, name);
      } catch (error) {
        await Promise.race([world.ended(), delay(500)]);
        if (world.death === undefined) throw error;
      }
    }
  }

  async function carryOut(step: Step, name: string): Promise<string[]> {
    await act(step, name);
    const unseen = await untilSeen(step, name);
    return unseen.length > 0 || !step.then ? unseen : settle([step.then(name)]);
  }

  async function carryOutAll(steps: readonly Step[], name: string): Promise<string[]> {
    for (const step of steps) {
      const violations = await carryOut(step, name);
      if (violations.length > 0) return violations.map((violation) => `${step.what}: ${violation}`);
    }
    return [];
  }

  async function playWith(scenario: Scenario, plan: (id: string) => Plan): Promise<Outcome> {
    const name = `c${(plays += 1)}`;
    const before = await carryOutAll(scenario.before, name);
    if (before.length > 0) return { violations: before.map((each) => `before: ${each}`), fired: [] };
    const id = `${name}-${process.pid}`;
    setPlan(plan(id));
    const during = await carryOutAll(scenario.steps, name);
    clearPlan();
    const fired = (plan(id).faults ?? []).filter(({ process: name }) => hasFired(id, name));
    // hob's own are counted where it is started.
    world.deaths += fired.filter(({ process: name }) => name === 'keeper').length;
    if (during.length > 0) return { violations: during, fired };
    if (existsSync(join(world.watch, `${name}.yaml`))) world.remove(name);
    else await world.delete(name).catch(() => undefined);
    const after = await settle([{ name, state: 'absent' }]);
    return { violations: after.map((each) => `in the end: ${each}`), fired };
  }

  const hasFired = (id: string, process: ProcessName): boolean =>
    existsSync(`${planFile}.fired`) &&
    readFileSync(`${planFile}.fired`, 'utf8').split('\n').includes(`${id} ${process}`);

  await revive();
  const violations = await settle([]);
  if (violations.length > 0) throw new Error(`the stage does not settle: ${violations.join('; ')}\n${world.output()}`);
  return {
    world,
    async record(scenario) {
      const trace = join(world.dir, `trace-${plays}`);
      const { violations } = await playWith(scenario, (id) => ({ id, trace }));
      return { hob: readTrace(`${trace}.hob`), keeper: readTrace(`${trace}.keeper`), violations };
    },
    play: (scenario, faults) => playWith(scenario, (id) => ({ id, faults })),
    close: () => world.dispose(),
  };
}

function readTrace(path: string): Passed[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean) : [];
  return lines.map((line) => JSON.parse(line) as Passed);
}
