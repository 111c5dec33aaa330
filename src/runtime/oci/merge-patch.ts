import { isRecord } from '../json.ts';

/** RFC 7396: objects are merged, null removes, everything else replaces. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: Record<string, unknown> = isRecord(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else Object.defineProperty(result, name, { ...plain, value: mergePatch(result[name], value) });
  }
  return result;
}

/** Not an assignment: a field called `__proto__` is a field like any other. */
const plain = { enumerable: true, configurable: true, writable: true } as const;
