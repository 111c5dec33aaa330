/** What the host must show of one container when all has settled. Of a container that is not told of here, nothing at all. */
export interface Expected {
  /** In the default namespace, where the name is the id as well. */
  readonly name: string;
  /** ended: hob knows it, and nothing of it runs: completed, failed, stopped, or between two starts. */
  readonly state: 'running' | 'paused' | 'ended' | 'absent';
  /** Of the spec that must run. */
  readonly marker?: string;
  /** How often its command was started since the world began: exactly, or at least and at most. */
  readonly starts?: number | readonly [least: number, most: number];
  /** It ran undisturbed, so its init is this one still: see `initOf`. */
  readonly init?: Init;
  /** The limit that its cgroup must have, in bytes. */
  readonly memory?: number;
  /** Whether the rootfs of its instances is an overlay: not with readOnlyRootfs. True by default. */
  readonly overlay?: boolean;
  /** False where somebody has deleted the files of its instance: hob has made again what it needs, and its output is gone. True by default. */
  readonly hasFiles?: boolean;
  /** What hob must say of it; the phase that goes with the state by default. */
  readonly told?: Told;
}

export interface Told {
  readonly phase?: string;
  /** Of the last instance that ended. */
  readonly exitCode?: number;
  readonly restartCount?: number | readonly [least: number, most: number];
}

/** Together they are one process, whatever else gets its number. */
export interface Init {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startTime: number;
}

export const isAlive = ({ state }: Expected): boolean => state === 'running' || state === 'paused';

/** The same, when so many steps of its start may have failed, each of which counts as a restart. */
export function withRestarts(expected: Expected, more: number): Expected {
  const { told } = expected;
  if (told?.restartCount === undefined || more === 0) return expected;
  const [least, most] =
    typeof told.restartCount === 'number' ? [told.restartCount, told.restartCount] : told.restartCount;
  return { ...expected, told: { ...told, restartCount: [least, most + more] } };
}

/** What is wrong with a number, in words; nothing when it is as expected. */
export function countFault(what: string, count: number, expected: Expected['starts']): string[] {
  if (expected === undefined) return [];
  const [least, most] = typeof expected === 'number' ? [expected, expected] : expected;
  if (count >= least && count <= most) return [];
  return [`${what}: ${count}, expected ${least === most ? least : `${least} to ${most}`}`];
}
