import { setTimeout as delay } from 'node:timers/promises';
import { wordsOf } from '../../src/host/errors.ts';
import { check } from '../walk/invariants/check.ts';
import type { Expected } from '../walk/invariants/expected.ts';
import { toldFaults } from '../walk/invariants/told.ts';
import type { World } from '../walk/world.ts';

/** A look at so many containers takes hob's time as well as ours. */
const lookAgainMs = 500;

/**
 * Wait until the host shows what is expected. @param say told now and then how much is wrong still
 * @returns what is wrong when the time is over; empty when all is well
 */
export async function converged(
  world: World,
  expected: readonly Expected[],
  limitMs: number,
  say: (line: string) => void,
): Promise<string[]> {
  const deadline = performance.now() + limitMs;
  for (let looks = 1; ; looks += 1) {
    const told = await toldFaults(world, expected).catch((error: unknown) => [
      `hob does not answer: ${wordsOf(error)}`,
    ]);
    // What hob itself says is not done need not be looked for.
    const faults = told.length > 0 ? told : check(world, expected);
    if (faults.length === 0) return [];
    if (performance.now() > deadline) return told.length > 0 ? [...told, ...check(world, expected)] : faults;
    if (looks % 10 === 0) say(`${faults.length} differences yet; the first: ${faults[0]}`);
    await delay(lookAgainMs);
  }
}
