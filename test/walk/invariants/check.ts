import { setTimeout as delay } from 'node:timers/promises';
import { wordsOf } from '../../../src/host/errors.ts';
import type { World } from '../world.ts';
import { cgroupFaults } from './cgroups.ts';
import { descriptorFaults, descriptorsOf } from './descriptors.ts';
import type { Descriptors } from './descriptors.ts';
import type { Expected, Init } from './expected.ts';
import { hookFaults } from './hooks.ts';
import { mountFaults } from './mounts.ts';
import { processFaults } from './processes.ts';
import { runFileFaults } from './run-files.ts';
import { initsOf, look } from './sight.ts';
import { startFaults } from './starts.ts';
import { stateFileFaults } from './state-files.ts';
import { toldFaults } from './told.ts';

/** Each look takes hob and this process some milliseconds of the processor, which plays side by side have to share. */
const lookAgainMs = 120;

/**
 * Hold what the host shows of a world against what it must show when all has settled. Asks nothing of hob.
 * @param before what hob and keeper had open earlier, with the same containers
 * @returns what is wrong, in words, each with the container and the evidence; empty when all is well
 */
export function check(world: World, expected: readonly Expected[], before?: Descriptors): string[] {
  const sight = look(world, expected);
  return [
    ...processFaults(sight),
    ...runFileFaults(sight),
    ...mountFaults(sight),
    ...cgroupFaults(sight),
    ...stateFileFaults(sight),
    ...descriptorFaults(sight, before),
    ...hookFaults(sight),
    ...startFaults(sight),
  ];
}

/**
 * Wait until hob says that it is where it should be, and the host shows it. hob's word comes first: before it has looked at
 * everything, what it left alone may still be what it will break.
 * @returns what was wrong at the last look, when the time was over; empty when all is well
 */
export async function settled(
  world: World,
  expected: readonly Expected[],
  ms: number,
  before?: Descriptors,
): Promise<string[]> {
  const deadline = performance.now() + ms;
  for (;;) {
    const told = await toldFaults(world, expected).catch((error: unknown) => [
      `hob does not answer: ${wordsOf(error)}`,
    ]);
    const faults = told.length > 0 ? told : check(world, expected, before);
    if (faults.length === 0) return [];
    if (performance.now() > deadline || world.death)
      return told.length > 0 ? [...told, ...check(world, expected, before)] : faults;
    await delay(lookAgainMs);
  }
}

/** The process that a container is now, to be found again after a death. @throws Error when it does not run, or more than once */
export function initOf(world: World, name: string): Init {
  const [init, second] = initsOf(look(world, []), name);
  if (!init || second) throw new Error(`${name} runs ${init ? 'more than once' : 'not at all'}`);
  return { pid: init.pid, startTime: init.startTime };
}

/** What hob and its keeper have open now, for `check` to hold against later. */
export const openDescriptors = (world: World): Descriptors => descriptorsOf(look(world, []));
