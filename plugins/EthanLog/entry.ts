import { type Level, levelNamed } from './levels.ts';
import type { LogRecord } from './record.ts';

/** A record on its way to where records are kept. */
export interface Entry extends Omit<LogRecord, 'pid'> {
  readonly time: Date;
  /** What the spec calls the container's log. */
  readonly name: string;
  /** As the host numbers its processes. */
  readonly pid?: number;
}

/** Somewhere to keep records. What cannot be kept is dropped and counted, and told in a record as soon as that is possible. */
export interface Sink {
  write(entries: readonly Entry[]): void;
}

const warning: Level | undefined = levelNamed('warning');

/** What this plugin itself has to say in a container's log. */
export const remark = (name: string, message: string): Entry => ({
  time: new Date(),
  name,
  message,
  ...(warning && { level: warning }),
});

/** The clocks of the host since its start, in nanoseconds. */
export interface Clocks {
  readonly monotonic: bigint;
  /** Counts on while the host is suspended; nothing else tells the two apart. */
  readonly boottime: bigint;
}

/**
 * When a record was written: by its own clock, which counts on while nobody reads; else now. What lies in the future of CLOCK_MONOTONIC is
 * of CLOCK_BOOTTIME, the only one that a shell can read. A time in the future of both, or one that cannot be read, is not believed.
 */
export function timeOf(monotonic: string | undefined, clocks: Clocks): Date {
  const [, seconds, nanoseconds] = /^([\da-f]{8,12})\.([\da-f]{8})$/.exec(monotonic ?? '') ?? [];
  if (seconds === undefined || nanoseconds === undefined) return new Date();
  const then = BigInt(`0x${seconds}`) * 1_000_000_000n + BigInt(`0x${nanoseconds}`);
  const now = then <= clocks.monotonic ? clocks.monotonic : clocks.boottime;
  return new Date(Date.now() - (then < now ? Number((now - then) / 1_000_000n) : 0));
}
