import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { keeperFiles } from '../../src/keeper/protocol.ts';
import type { World } from '../walk/world.ts';
import type { Random } from '../support/random.ts';
import { changeMind, specOf } from './wishes.ts';
import type { Wish } from './wishes.ts';

export interface StormOptions {
  readonly deaths: number;
  /** Changes in a second. */
  readonly rate: number;
  /** The changes and the moments of the deaths each have a chance of their own: how many changes come in between is the machine's doing. */
  readonly chance: { readonly changes: Random; readonly deaths: Random };
  /** Told of each death. */
  readonly say: (line: string) => void;
}

const turnMs = 20;
/** One death of so many takes the keeper along, and one comes so soon that hob has hardly begun to look around. */
const keeperToo = 5;
const soon = 4;

/** Change the wishes at the given rate while hob dies again and again, and is started again at once. Answers how many changes there were. */
export async function storm(world: World, wishes: readonly Wish[], options: StormOptions): Promise<number> {
  const { deaths, rate, chance, say } = options;
  const begun = performance.now();
  let changes = 0;
  for (let death = 1; death <= deaths; death += 1) {
    const life = death % soon === 0 ? chance.deaths.between(50, 800) : chance.deaths.between(500, 4_500);
    const end = performance.now() + life;
    while (performance.now() < end) {
      for (const due = ((performance.now() - begun) / 1000) * rate; changes < due; changes += 1)
        change(world, wishes, chance.changes);
      await delay(Math.min(turnMs, Math.max(0, end - performance.now())));
    }
    const withKeeper = death % keeperToo === 0;
    if (withKeeper) killKeeper(world);
    await world.kill();
    world.start();
    say(
      `death ${death} after ${life.toFixed(0)} ms${withKeeper ? ', with the keeper' : ''}; ${changes} changes so far`,
    );
  }
  return changes;
}

function change(world: World, wishes: readonly Wish[], random: Random): void {
  const wish = random.pick(wishes.filter(({ kind }) => kind !== 'steady'));
  changeMind(wish, random);
  if (wish.isWanted) world.drop(wish.name, specOf(world, wish));
  else world.remove(wish.name);
}

/** A death that hooks may be repeated for, as after one of hob. */
function killKeeper(world: World): void {
  world.noteDeath();
  try {
    process.kill(Number(readFileSync(join(world.runDir, keeperFiles.pid), 'utf8')), 'SIGKILL');
  } catch {
    // The last one died as well, and there is no other yet.
  }
}
