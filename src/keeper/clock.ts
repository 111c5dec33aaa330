import { now } from './libc.ts';

interface Moment {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** A clock set back by more than this is believed: better out of order once than one wrong time for a year. */
const smallestStepBackSeconds = 60;

/**
 * The time as `2026-01-01T00:00:00.000000000Z`, never earlier than the one before.
 * @param read tells the wall clock
 */
export function monotoneClock(read: () => Moment = now): () => string {
  let last: Moment = { seconds: 0, nanoseconds: 0 };
  return () => {
    const moment = read();
    const back = last.seconds - moment.seconds;
    const earlier = back > 0 || (back === 0 && moment.nanoseconds < last.nanoseconds);
    if (!earlier || back > smallestStepBackSeconds) last = moment;
    return rfc3339(last);
  };
}

function rfc3339({ seconds, nanoseconds }: Moment): string {
  const wholeSeconds = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return `${wholeSeconds}.${String(nanoseconds).padStart(9, '0')}Z`;
}
