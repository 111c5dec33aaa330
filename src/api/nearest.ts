/** The candidate that `word` was most likely meant to be: mistyped, or one of the two is the beginning or end of the other. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  return mistyped(word, candidates) ?? candidates.find((candidate) => abbreviates(plain(word), plain(candidate)));
}

function abbreviates(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return short.length >= 3 && long.length <= 64 && (long.startsWith(short) || long.endsWith(short));
}

/** The candidate that is equal to `word` but for case, separators and a few typing errors. */
export function mistyped(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > 64) return undefined;
  const wanted = plain(word);
  const tolerance = Math.min(3, Math.ceil(wanted.length / 4));
  let best: string | undefined;
  let bestDistance = tolerance + 1;
  for (const candidate of candidates) {
    const distance = typingErrors(wanted, plain(candidate), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_.\s]/g, '');
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; `limit` when there are that many or more. */
function typingErrors(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) row.push(cheapest(from, to, i, j, { row, last, beforeLast }));
    [beforeLast, last] = [last, row];
  }
  return Math.min(limit, last[to.length] ?? limit);
}

type Rows = {
  readonly row: readonly number[];
  readonly last: readonly number[];
  readonly beforeLast: readonly number[];
};

function cheapest(from: string, to: string, i: number, j: number, { row, last, beforeLast }: Rows): number {
  const replaced = (last[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
  const best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
  const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
  return swapped ? Math.min(best, (beforeLast[j - 2] ?? 0) + 1) : best;
}
