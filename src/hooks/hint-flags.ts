import { type HookPoint, hookPoints } from './plugin.ts';

/** Dobby's bit field, number for number: at which hook points a plugin takes part, and whether the others wait for it there. */
export const HintFlags = {
  PostConstructionSync: 1,
  PreStartSync: 2,
  PostStartSync: 4,
  PostStopSync: 8,
  PreDestructionSync: 16,
  PostConstructionAsync: 1 << 16,
  PreStartAsync: 2 << 16,
  PostStartAsync: 4 << 16,
  PostStopAsync: 8 << 16,
  PreDestructionAsync: 16 << 16,
} as const;

/** How a plugin takes part in a hook point. */
export type HookMode = 'sync' | 'async' | 'none';

const ASYNC_SHIFT = 16;
const byName = new Map<string, number>(Object.entries(HintFlags));
const allBits = [...byName.values()].reduce((bits, bit) => bits | bit, 0);

/** How a plugin with these hints takes part in a hook point. With both bits set it is asynchronous, as in Dobby. */
export function hookMode(hints: number, point: HookPoint): HookMode {
  const bit = 1 << hookPoints.indexOf(point);
  if (hints & (bit << ASYNC_SHIFT)) return 'async';
  return hints & bit ? 'sync' : 'none';
}

/** The names of the bits that are set, for people; bits that mean nothing come last, as one hexadecimal number. */
export function hintNames(hints: number): string[] {
  const names = [...byName].filter(([, bit]) => hints & bit).map(([name]) => name);
  const unknown = unknownHints(hints);
  return unknown === 0 ? names : [...names, `0x${unknown.toString(16)}`];
}

/** The bits of these names. Throws an Error that lists the ten names when one is unknown. */
export function parseHints(names: readonly string[]): number {
  return names.reduce((hints, name) => hints | bitOf(name), 0);
}

/** The bits that no hint flag stands for; 0 when there are none. */
export function unknownHints(hints: number): number {
  // What is beyond 32 bits counts as well, where bit operators do not reach.
  return (hints < 0 ? hints >>> 0 : hints) - (hints & allBits);
}

function bitOf(name: string): number {
  const bit = byName.get(name);
  if (bit === undefined) throw new Error(`unknown hint "${name}": the hints are ${[...byName.keys()].join(', ')}`);
  return bit;
}
