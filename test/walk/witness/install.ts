import { chmodSync, copyFileSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mkfifo } from '../../../src/host/libc.ts';
import type { Places } from '../world.ts';

/** Which hook points a plugin takes part in, and how. */
const allSync = 0b11111;

/** The module and the executable, each with the file that it is made from and what it is called in its folder. */
const files = { witness: ['witness.mjs', 'index.mjs'], scribe: ['scribe', 'scribe'] } as const;
export type WitnessName = keyof typeof files;

/**
 * Put a plugin that says of each of its calls into the plugin folder of a world, in one step.
 * @param hints Dobby's bits, one for each hook point
 */
export function installWitness({ dir, plugins }: Places, name: WitnessName, hints = allSync): void {
  const [source, target] = files[name];
  const beside = join(dir, name);
  mkdirSync(beside, { mode: 0o755 });
  copyFileSync(join(import.meta.dirname, source), join(beside, target));
  chmodSync(join(beside, target), 0o755);
  writeFileSync(join(beside, 'hints'), `${hints}\n`);
  // What hangs waits for somebody to write to it.
  mkfifo(join(beside, 'never'), 0o600);
  renameSync(beside, join(plugins, name));
}

/** A plugin that gives descriptors, and says nothing. */
export const installGiver = ({ plugins }: Places): void =>
  copyFileSync(join(import.meta.dirname, 'giver.mjs'), join(plugins, 'giver.mjs'));
