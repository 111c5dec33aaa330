const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** How long ago, as kubectl writes it: 5s, 3m20s, 2d, 5d3h, 2y31d. Two units while the second one still says something. */
export function age(since: string | undefined, now = Date.now()): string {
  if (since === undefined) return '<unknown>';
  // A clock that was set back a little is no reason for alarm.
  const span = now - Date.parse(since);
  return Number.isNaN(span) || span < -2 * second ? '<invalid>' : duration(Math.max(0, span));
}

/** A time span in milliseconds, in the same way. */
export function duration(span: number): string {
  if (span < 2 * minute) return `${Math.floor(span / second)}s`;
  if (span < 10 * minute) return inTwo(span, minute, 'm', second, 's');
  if (span < 3 * hour) return `${Math.floor(span / minute)}m`;
  if (span < 8 * hour) return inTwo(span, hour, 'h', minute, 'm');
  if (span < 2 * day) return `${Math.floor(span / hour)}h`;
  if (span < 8 * day) return inTwo(span, day, 'd', hour, 'h');
  if (span < 2 * year) return `${Math.floor(span / day)}d`;
  if (span < 8 * year) return inTwo(span, year, 'y', day, 'd');
  return `${Math.floor(span / year)}y`;
}

function inTwo(span: number, large: number, largeName: string, small: number, smallName: string): string {
  const rest = Math.floor((span % large) / small);
  return `${Math.floor(span / large)}${largeName}${rest === 0 ? '' : `${rest}${smallName}`}`;
}

/** How long something short took: 0.25ms, 12ms, 1.5s. Nothing when it is not known. */
export function milliseconds(span: number | undefined): string {
  if (span === undefined) return '';
  if (span >= 10 * second) return duration(span);
  if (span >= second) return `${(span / second).toFixed(1)}s`;
  return `${span >= 10 ? Math.round(span) : Number(span.toPrecision(2))}ms`;
}

/**
 * Read a time-out: `30s`, `2m`, `1h30m`, `500ms`, or plain seconds; kubectl's `0` and negative ones are not given a meaning here.
 * @returns milliseconds, no more than a timer can take (24 days), or undefined when it is none
 */
export function parseDuration(text: string): number | undefined {
  const span = /^\d+(\.\d+)?$/.test(text) ? Number(text) * second : sumOfParts(text);
  return span && Math.min(span, longestTimer);
}

const longestTimer = 2 ** 31 - 1;

function sumOfParts(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const units: Readonly<Record<string, number>> = { ms: 1, s: second, m: minute, h: hour };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
  return parts.reduce((total, [, amount, unit]) => total + Number(amount) * (units[unit ?? ''] ?? 0), 0);
}
