import { isObject } from '../../api/finding.ts';

/** The JSON merge patch (RFC 7396) that makes one value into another; undefined when they are the same. Fields that are undefined count as absent. */
export function patchBetween(from: unknown, to: unknown): unknown {
  if (!isObject(from) || !isObject(to)) return isSame(from, to) ? undefined : to;
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(from), ...Object.keys(to)])) {
    const change = to[name] === undefined ? removal(from[name]) : patchBetween(from[name], to[name]);
    if (change !== undefined) patch[name] = change;
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}

const removal = (value: unknown): null | undefined => (value === undefined || value === null ? undefined : null);

/** Lists are replaced as a whole. */
function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => patchBetween(item, other[index]) === undefined);
  return one === other;
}
