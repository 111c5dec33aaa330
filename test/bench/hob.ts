import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connectTo } from '../../src/cli/client.ts';
import { testHob, type TestHob } from '../support/hob.ts';
import { runningPids, untilItAnswers } from './answers.ts';
import { row } from './figures.ts';
import { cpuTicks, residentMB } from './usage.ts';
import type { Workshop } from './workshop.ts';

/** A real hob under the stop-watch. */
export interface BenchHob {
  startOne(name: string): Promise<number>;
  /** By `desiredState: Stopped`. */
  stopOne(name: string): Promise<number>;
  /** By removing its file. */
  removeOne(name: string): Promise<number>;
  startMany(count: number): Promise<number>;
  removeAll(): Promise<void>;
  /** CPU and memory with nothing to do. */
  reportIdle(count: number): Promise<void>;
  /** kill -9 and a new start, so many times: from the start of the process until it answers with all of them. */
  reportRestart(count: number, rounds: number): Promise<void>;
  end(): Promise<void>;
}

export const quietly = ['--log-level', 'warn'];

export async function benchHob(workshop: Workshop, hob: TestHob = testHob({ args: quietly })): Promise<BenchHob> {
  await hob.start();
  const { spec } = workshop;
  const api = connectTo(join(hob.dir, 'run', 'hob.sock'));
  const instanceOf = (name: string): string => join(hob.dir, 'run', 'instances', name);

  async function startOne(name: string): Promise<number> {
    const running = workshop.running(1);
    const begun = performance.now();
    hob.drop(name, spec);
    await running;
    return performance.now() - begun;
  }

  async function untilCleanedUp(name: string, ask: () => void): Promise<number> {
    await hob.untilPhase(name, 'Running');
    const begun = performance.now();
    ask();
    while (existsSync(instanceOf(name))) await delay(1);
    return performance.now() - begun;
  }
  const stopOne = (name: string): Promise<number> =>
    untilCleanedUp(name, () => hob.drop(name, { ...spec, desiredState: 'Stopped' }));
  const removeOne = (name: string): Promise<number> => untilCleanedUp(name, () => hob.remove(name));

  async function removeAll(): Promise<void> {
    for (const name of readdirSync(hob.watch)) rmSync(join(hob.watch, name));
    while (readdirSync(join(hob.dir, 'run', 'instances')).length > 0) await delay(10);
  }

  /** The second container gives the pattern for bare crun: the same seccomp filter is then compiled already, for both. */
  for (const name of ['warm-up', 'pattern']) {
    await startOne(name);
    await hob.untilPhase(name, 'Running');
  }
  copyFileSync(join(instanceOf('pattern'), 'config.json'), join(workshop.dir, 'pattern.json'));
  for (const name of ['warm-up', 'pattern']) await removeOne(name);

  return {
    startOne,
    stopOne,
    removeOne,
    startMany: async (count) => {
      const names = Array.from({ length: count }, (_, i) => `many-${i}`);
      for (const name of names) writeFileSync(join(hob.dir, `${name}.yaml`), manifest(name, spec));
      const running = workshop.running(count);
      const begun = performance.now();
      for (const name of names) renameSync(join(hob.dir, `${name}.yaml`), join(hob.watch, `${name}.yaml`));
      await running;
      return performance.now() - begun;
    },
    reportIdle: async (count) => {
      const pids = { hob: hob.pid, keeper: Number(readFileSync(join(hob.dir, 'run', 'keeper.pid'), 'utf8')) };
      await delay(5_000);
      const before = { hob: cpuTicks(pids.hob), keeper: cpuTicks(pids.keeper) };
      await delay(20_000);
      for (const [who, pid] of Object.entries(pids)) {
        const percent = (cpuTicks(pid) - before[who as keyof typeof before]) / 20;
        console.log(
          `${`idle with ${count} containers: ${who}`.padEnd(52)}${residentMB(pid).toFixed(0).padStart(6)} MB, ${percent.toFixed(2)} % of a core`,
        );
      }
    },
    removeAll,
    reportRestart: async (count, rounds) => {
      const before = await runningPids(api);
      const times: number[] = [];
      let adopted = 0;
      for (let round = 0; round < rounds; round++) {
        await hob.kill();
        const begun = performance.now();
        hob.begin();
        const now = await untilItAnswers(() => runningPids(api));
        times.push(performance.now() - begun);
        adopted = [...before].filter(([name, pid]) => now.get(name) === pid).length;
        if (adopted < count) break;
      }
      row(`killed, started again: answers with ${adopted} of ${count} adopted`, times);
    },
    end: () => hob.dispose(),
  };
}

const manifest = (name: string, spec: object): string =>
  JSON.stringify({ apiVersion: 'hob.dev/v1alpha1', kind: 'Container', metadata: { name }, spec });
