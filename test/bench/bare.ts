import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Workshop } from './workshop.ts';

/** crun as somebody would use it by hand, on the bundle that hob made for the same spec. */
export interface BareStarts {
  run(name: string): Promise<number>;
  createAndStart(name: string): Promise<number>;
  /** All of them, so many at a time; then removes them. */
  runMany(count: number, parallel: number): Promise<number>;
}

const rootOf = ({ dir }: Workshop): string => join(dir, 'bare-crun');

export function bareStarts(workshop: Workshop): BareStarts {
  const timed = async (count: number, start: () => Promise<void>): Promise<number> => {
    const running = workshop.running(count);
    const begun = performance.now();
    await Promise.all([start(), running]);
    return performance.now() - begun;
  };
  return {
    run: (name) => timed(1, () => crun(workshop, 'run', '-d', '-b', bundleFor(workshop, name), name)),
    createAndStart: (name) =>
      timed(1, async () => {
        await crun(workshop, 'create', '-b', bundleFor(workshop, name), name);
        await crun(workshop, 'start', name);
      }),
    runMany: async (count, parallel) => {
      const names = Array.from({ length: count }, (_, i) => `many-${i}`);
      for (const name of names) bundleFor(workshop, name);
      const took = await timed(count, () =>
        side(names, parallel, (name) => crun(workshop, 'run', '-d', '-b', bundleFor(workshop, name), name)),
      );
      await side(names, parallel, (name) => crun(workshop, 'delete', '-f', name));
      return took;
    },
  };
}

/** TERM, wait until it has ended, delete: what has to be done by hand. */
export async function bareStops(workshop: Workshop, name: string): Promise<number> {
  const pid = Number(readFileSync(join(rootOf(workshop), name, 'status'), 'utf8').match(/"pid"\s*:\s*(\d+)/)?.[1]);
  const begun = performance.now();
  await crun(workshop, 'kill', name, 'TERM');
  while (isAlive(pid)) await delay(1);
  await crun(workshop, 'delete', name);
  return performance.now() - begun;
}

/** A zombie that waits for its reaper has ended. */
function isAlive(pid: number): boolean {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : ') Z';
  return !/\) [ZX]/.test(stat);
}

/** A copy of the bundle that hob made, under another cgroup. */
function bundleFor({ dir }: Workshop, name: string): string {
  const bundle = join(dir, 'bare', name);
  if (existsSync(bundle)) return bundle;
  mkdirSync(bundle, { recursive: true });
  cpSync(join(dir, 'pattern.json'), join(bundle, 'config.json'));
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as { linux: { cgroupsPath: string } };
  config.linux.cgroupsPath = `/hob-bench/${name}`;
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return bundle;
}

async function crun(workshop: Workshop, ...args: string[]): Promise<void> {
  const child = spawn('crun', ['--root', rootOf(workshop), ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`crun ${args.join(' ')}: exit code ${code}`);
}

async function side(names: readonly string[], parallel: number, work: (name: string) => Promise<void>): Promise<void> {
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: parallel }, worker));
}
