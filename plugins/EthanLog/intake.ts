import { type Entry, remark, type Sink, timeOf } from './entry.ts';
import { createFramer } from './frames.ts';
import { readClocks } from './libc.ts';
import type { PidMap } from './pids.ts';
import { createRateLimit } from './rate-limit.ts';
import { type LogRecord, parseRecord } from './record.ts';
import type { Settings } from './settings.ts';

export interface IntakeParts {
  readonly settings: Settings;
  readonly sinks: readonly Sink[];
  readonly pids: PidMap;
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number;
}

/** What a container writes, on its way to the sinks. */
export interface Intake {
  /** Take a piece of the stream. All that it completes is with the sinks when this returns. */
  take(bytes: Buffer): void;
  /** The host's pid of the container's init: whose records they are when they do not say, or when that process is gone. */
  setInit(pid: number): void;
  /** There is no more: tell what has not been told yet. */
  end(): void;
}

export function createIntake({ settings, sinks, pids, now }: IntakeParts): Intake {
  const { name, levels, rateLimit } = settings;
  const framer = createFramer();
  const limit = rateLimit && createRateLimit(rateLimit, now);
  let rejected = 0;
  let init: number | undefined;

  const isWanted = ({ level }: LogRecord): boolean => level === undefined || levels.includes(level.name);

  function pidOf(pid: number | undefined): number | undefined {
    return pid === undefined || pid === 1 ? init : (pids.hostPid(pid) ?? init);
  }

  function entryOf({ pid, ...record }: LogRecord): Entry {
    const own = pidOf(pid);
    const time = timeOf(record.monotonic, readClocks());
    return { time, name, ...record, ...(own !== undefined && { pid: own }) };
  }

  function refusals(): Entry[] {
    const refused = limit?.takeRefusals();
    if (!refused || !rateLimit) return [];
    const { count, seconds } = refused;
    const rate = `${rateLimit.rate} a second, ${rateLimit.burstSize} at once`;
    return [remark(name, `${count} records were dropped in ${seconds.toFixed(1)} s: the limit is ${rate}`)];
  }

  function admit(record: LogRecord): Entry[] {
    if (!isWanted(record) || limit?.admits() === false) return [];
    return [...refusals(), entryOf(record)];
  }

  function write(entries: readonly Entry[]): void {
    if (entries.length > 0) for (const sink of sinks) sink.write(entries);
  }

  function takeBodies(bodies: readonly Buffer[]): void {
    const records = bodies.map(parseRecord);
    rejected += records.filter((record) => record === undefined).length;
    write(records.flatMap((record) => (record ? admit(record) : [])));
  }

  return {
    take: (bytes) => takeBodies(framer.feed(bytes)),
    setInit(pid) {
      init = pid;
    },
    end() {
      takeBodies(framer.end());
      write(refusals());
      const malformed = rejected + framer.rejected;
      if (malformed > 0) write([remark(name, `${malformed} records were no records, and were left out`)]);
    },
  };
}
