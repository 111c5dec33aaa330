import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hookPoints } from '../../../src/hooks/plugin.ts';
import type { HookPoint } from '../../../src/hooks/plugin.ts';
import { startsOf } from '../starts.ts';
import { callsOf } from '../witness/calls.ts';
import type { CallLine } from '../witness/calls.ts';
import type { World } from '../world.ts';
import { helpersOf } from './sight.ts';
import type { Sight } from './sight.ts';

/** What one instance heard of plugins. */
export interface Life {
  readonly id: string;
  readonly instanceID: string;
  /** In the order in which they were written. */
  readonly lines: CallLine[];
  /** How many deaths there had been when it began, or one less. */
  readonly deathsBefore: number;
  /** It was over, and all was well, when there were so many lines of it. */
  cleanAt: number;
}

/** The lives in a world, as far as they were put together. */
interface Lives {
  count: number;
  /** Of the world, at the last look. */
  deaths: number;
  /** The keeper that was there at the last look. */
  keeper: number;
  readonly byKey: Map<string, Life>;
}

const livesOfWorlds = new WeakMap<World, Lives>();

/** All instances that a plugin was ever called for, in the order of their beginnings. */
export function livesIn(sight: Sight): readonly Life[] {
  const { world } = sight;
  const lives = livesOfWorlds.get(world) ?? { count: 0, deaths: 0, keeper: 0, byKey: new Map<string, Life>() };
  livesOfWorlds.set(world, lives);
  const lines = callsOf(world);
  for (const line of lines.slice(lives.count)) addLine(lives, line);
  lives.count = lines.length;
  noteDeaths(sight, lives);
  return [...lives.byKey.values()];
}

function addLine({ byKey, deaths }: Lives, line: CallLine): void {
  const { id, instanceID } = line;
  const key = `${id} ${instanceID}`;
  // Its first call may have been noted before the last death, and made only after it.
  const deathsBefore = Math.max(0, deaths - 1);
  const life = byKey.get(key) ?? { id, instanceID, lines: [], deathsBefore, cleanAt: 0 };
  life.lines.push(line);
  byKey.set(key, life);
}

/** Of the deaths of keepers nobody may have told; hobs are counted by the world. */
function noteDeaths(sight: Sight, lives: Lives): void {
  const { world } = sight;
  const keeper = helpersOf(sight, 'keeper')[0]?.pid ?? lives.keeper;
  if (lives.keeper !== 0 && keeper !== lives.keeper) world.noteDeath();
  lives.keeper = keeper;
  lives.deaths = world.deaths;
}

/** Answers of a life whether it must be torn down by now: its container has none that lives, or a newer one. */
export function overIn({ alive }: Sight, lives: readonly Life[]): (life: Life) => boolean {
  const newest = new Map(lives.map(({ id, instanceID }) => [id, instanceID]));
  return ({ id, instanceID }) => !alive.has(id) || newest.get(id) !== instanceID;
}

/** Whether its init existed: its command ran, or a plugin was told its pid. */
export const hadInit = (world: World, { id, instanceID, lines }: Life): boolean =>
  lines.some(({ point }) => point === 'preStart' || point === 'postStart') ||
  startsOf(world).some((start) => start.name === id && start.instanceID === instanceID);

/** Whether a plugin takes part in a hook point, by the hints that it was installed with. */
export function takesPart(world: World, plugin: string, point: HookPoint): boolean {
  const path = join(world.plugins, plugin, 'hints');
  const hints = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  return ((hints | (hints >> 16)) & (1 << hookPoints.indexOf(point))) !== 0;
}
