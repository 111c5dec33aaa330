import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../src/api/container.ts';
import type { ObjectList } from '../../src/api/wire.ts';
import { connectTo, NotRunning } from '../../src/cli/client.ts';
import { testHob } from '../support/hob.ts';
import { row } from './figures.ts';
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

export async function benchHob(workshop: Workshop): Promise<BenchHob> {
  const hob = testHob({ args: ['--log-level', 'warn'] });
  await hob.start();
  const spec = {
    rootfs: { path: workshop.rootfs },
    readOnlyRootfs: true,
    command: workshop.command,
    mounts: workshop.mounts,
  };
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

  /** The pids of all that run and were not started again. */
  async function pidsOf(): Promise<Map<string, number | undefined>> {
    const { items } = await api.json<ObjectList<Container>>('GET', '/containers');
    const running = items.filter(({ status }) => status?.phase === 'Running' && status.restartCount === 0);
    return new Map(running.map(({ metadata, status }) => [metadata.name, status?.pid]));
  }

  async function untilAnswers(): Promise<Map<string, number | undefined>> {
    for (;;) {
      try {
        return await pidsOf();
      } catch (error) {
        if (!(error instanceof NotRunning)) throw error;
        await delay(2);
      }
    }
  }

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
      const before = await pidsOf();
      const times: number[] = [];
      let adopted = 0;
      for (let round = 0; round < rounds; round++) {
        await hob.kill();
        const begun = performance.now();
        hob.begin();
        const now = await untilAnswers();
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

/** Clock ticks (10 ms each) that the process has used, in and out of the kernel. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

function residentMB(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}
