/** Medians and ratios, printed in columns. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

export const row = (what: string, milliseconds: readonly number[]): void => amountRow(what, milliseconds);

export function amountRow(what: string, amounts: readonly number[], unit = ''): void {
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)];
  const spread = amounts.length > 1 ? `  (${least.toFixed(1)} to ${most.toFixed(1)})` : '';
  console.log(`${what.padEnd(52)}${median(amounts).toFixed(1).padStart(9)}${unit && ` ${unit}`}${spread}`);
}

export function ratio(what: string, ours: readonly number[], theirs: readonly number[]): void {
  console.log(`${what.padEnd(52)}${(median(ours) / median(theirs)).toFixed(2).padStart(9)} x`);
}

/** The median and the 99th percentile, in microseconds. */
export function timeRow(what: string, milliseconds: readonly number[]): void {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const p99 = sorted[Math.floor(sorted.length * 0.99)] ?? NaN;
  console.log(`${what.padEnd(52)}${micros(median(sorted)).padStart(9)}  (99 %: ${micros(p99)})`);
}

/** Of the medians, in microseconds. */
export function difference(what: string, ours: readonly number[], theirs: readonly number[]): void {
  console.log(`${what.padEnd(52)}${micros(median(ours) - median(theirs)).padStart(9)}`);
}

const micros = (milliseconds: number): string => (milliseconds * 1000).toFixed(1);
