/**
 * Very many containers whose specs change all the time, while hob dies again and again: in the end all is as the last specs
 * say. `main.ts [--containers N] [--deaths N] [--rate CHANGES-A-SECOND] [--seed N] [--patience SECONDS]`; run it under test/with-crun.sh. The seed gives
 * the same changes and the same moments again; how fast the machine is by then, it does not give.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { initsOf, look } from '../walk/invariants/sight.ts';
import { installWitness } from '../walk/witness/install.ts';
import { endWithThisProcess, makeWorld } from '../walk/world.ts';
import type { World } from '../walk/world.ts';
import { converged } from './converged.ts';
import { randomFrom } from '../support/random.ts';
import { storm } from './storm.ts';
import { expectedOf, firstWishes, specOf } from './wishes.ts';
import type { Wish } from './wishes.ts';

const mostTold = 40;
const mostStories = 5;
const linesOfStory = 25;

const { values } = parseArgs({
  options: {
    containers: { type: 'string', default: '500' },
    deaths: { type: 'string', default: '20' },
    rate: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    patience: { type: 'string', default: '60' },
  },
});
const [containers, deaths, rate, seed] = [values.containers, values.deaths, values.rate, values.seed].map(Number) as [
  number,
  number,
  number,
  number,
];
const patienceMs = Number(values.patience) * 1000;
const began = performance.now();
const seconds = (since: number): string => ((performance.now() - since) / 1000).toFixed(1);
const say = (line: string): void => console.log(`${seconds(began).padStart(6)} s  ${line}`);

const world = makeWorld();
endWithThisProcess();
try {
  say(`${containers} containers, ${deaths} deaths, ${rate} changes a second; seed ${seed}`);
  process.exitCode = await run(world, firstWishes(containers));
} finally {
  await world.dispose();
}

/** Answers the exit code. */
async function run(world: World, wishes: readonly Wish[]): Promise<number> {
  installWitness(world, 'witness');
  world.start();
  await world.waitUntilUp();
  for (const wish of wishes) world.drop(wish.name, specOf(world, wish));
  const before = await converged(world, wishes.map(expectedOf), patienceMs, say);
  if (before.length > 0) return report('they did not even come up', before);
  say('all are there');
  noteSteady(world, wishes);

  const chance = { changes: randomFrom(seed), deaths: randomFrom(seed + 1) };
  const begun = performance.now();
  const changes = await storm(world, wishes, { deaths, rate, chance, say });
  say(`${changes} changes in ${seconds(begun)} s, ${(changes / Number(seconds(begun))).toFixed(0)} a second`);
  const calm = performance.now();
  const faults = await converged(world, wishes.map(expectedOf), patienceMs, say);
  if (faults.length > 0) return report('did not converge', faults);
  const wanted = wishes.filter(({ isWanted }) => isWanted).length;
  say(`converged ${seconds(calm)} s after the last death: ${wanted} wanted, all as they should be; ${costs(world)}`);
  return 0;
}

function noteSteady(world: World, wishes: readonly Wish[]): void {
  const sight = look(world, []);
  for (const wish of wishes.filter(({ kind }) => kind === 'steady')) {
    const [init] = initsOf(sight, wish.name);
    if (init) wish.init = { pid: init.pid, startTime: init.startTime };
  }
}

function report(what: string, faults: readonly string[]): number {
  const more = faults.length > mostTold ? `\n  and ${faults.length - mostTold} more` : '';
  say(`${what}, seed ${seed}: ${faults.length} differences`);
  console.log(`  ${faults.slice(0, mostTold).join('\n  ')}${more}`);
  const names = new Set(faults.map((fault) => fault.split(':')[0] ?? ''));
  for (const name of [...names].slice(0, mostStories)) console.log(storyOf(name).replaceAll(/^/gm, '    | '));
  return 1;
}

/** The last that hob said of a container. */
function storyOf(name: string): string {
  const lines = world.output().split('\n');
  return lines
    .filter((line) => line.includes(`"default/${name}"`))
    .slice(-linesOfStory)
    .join('\n');
}

function costs({ pid }: World): string {
  return `hob has ${(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024).toFixed(0)} MB`;
}
