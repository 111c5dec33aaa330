import { crashLooper, job, server } from '../walk/commands.ts';
import type { Role } from '../walk/commands.ts';
import type { Expected, Init } from '../walk/invariants/expected.ts';
import type { Places } from '../walk/world.ts';
import type { Random } from '../support/random.ts';

/**
 * steady: never changed. server: runs for ever; changed in all ways. hooked: the same, with a plugin at every hook point.
 * looper: crashes at once, whenever it is started. job: ends well, once for each new spec.
 */
export type Kind = 'steady' | 'server' | 'hooked' | 'looper' | 'job';

/** What is wanted of one container now. */
export interface Wish {
  readonly name: string;
  readonly kind: Kind;
  isWanted: boolean;
  isPaused: boolean;
  /** Goes up with each change that makes the container anew. */
  version: number;
  /** In MiB. */
  memory: number;
  /** Of a steady one, once it runs. */
  init?: Init;
}

/** Ten in a row are as all of them: who is what does not depend on chance. */
const mix: readonly Kind[] = [
  'server',
  'steady',
  'server',
  'hooked',
  'server',
  'job',
  'server',
  'looper',
  'server',
  'hooked',
];

export const firstWishes = (count: number): Wish[] =>
  Array.from({ length: count }, (_, index) => ({
    name: `c-${index}`,
    kind: mix[index % mix.length] ?? 'server',
    isWanted: true,
    isPaused: false,
    version: 1,
    memory: 32,
  }));

const witness = { plugins: [{ name: 'witness' }] };

/** The spec that says it. */
export function specOf(places: Places, { name, kind, isPaused, version, memory }: Wish): object {
  const resources = { memory: `${memory}Mi` };
  const desiredState = isPaused ? 'Paused' : 'Running';
  const role = (more: Role['more'] = {}): Role => ({ marker: `v${version}`, more: { resources, ...more } });
  if (kind === 'looper') return crashLooper(places, name, role({ readOnlyRootfs: true }));
  if (kind === 'job') return job(places, name, role({ readOnlyRootfs: true }));
  // The rootfs of those with plugins is writable: each has an overlay.
  return server(places, name, role({ desiredState, ...(kind === 'hooked' ? witness : { readOnlyRootfs: true }) }));
}

/** What the host must show of it in the end. How often it was started, nobody can tell: of changes that come fast, some are never carried out. */
export function expectedOf({ name, kind, isWanted, isPaused, version, memory, init }: Wish): Expected {
  if (!isWanted) return { name, state: 'absent' };
  if (kind === 'looper') return { name, state: 'ended' };
  if (kind === 'job') return { name, state: 'ended', told: { phase: 'Completed', exitCode: 0 } };
  return {
    name,
    state: isPaused ? 'paused' : 'running',
    marker: `v${version}`,
    memory: memory * 2 ** 20,
    overlay: kind === 'hooked',
    ...(kind === 'steady' && { starts: 1, ...(init && { init }) }),
  };
}

/** Want something else of it. */
export function changeMind(wish: Wish, random: Random): void {
  if (!wish.isWanted) {
    Object.assign(wish, { isWanted: true, isPaused: false, version: wish.version + 1 });
    return;
  }
  const ways: ((one: Wish) => void)[] = [
    (one) => (one.version += 1),
    (one) => (one.isWanted = false),
    // Of what runs for ever, most changes are to it as it runs.
    ...(wish.kind === 'server' || wish.kind === 'hooked' ? [limitAnew, limitAnew, pauseOrGoOn, pauseOrGoOn] : []),
  ];
  random.pick(ways)(wish);
}

const limitAnew = (wish: Wish): void => void (wish.memory = wish.memory === 32 ? 48 : 32);
const pauseOrGoOn = (wish: Wish): void => void (wish.isPaused = !wish.isPaused);
