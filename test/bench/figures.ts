/** Medians and ratios, printed in columns. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

export function row(what: string, milliseconds: readonly number[]): void {
  const [least, most] = [Math.min(...milliseconds), Math.max(...milliseconds)];
  const spread = milliseconds.length > 1 ? `  (${least.toFixed(1)} to ${most.toFixed(1)})` : '';
  console.log(`${what.padEnd(52)}${median(milliseconds).toFixed(1).padStart(9)}${spread}`);
}

export function ratio(what: string, ours: readonly number[], theirs: readonly number[]): void {
  console.log(`${what.padEnd(52)}${(median(ours) / median(theirs)).toFixed(2).padStart(9)} x`);
}
