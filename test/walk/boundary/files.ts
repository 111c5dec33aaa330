import fs from 'node:fs';
import promised from 'node:fs/promises';
import { basename } from 'node:path';
import { fileEffects, opensForWriting, promisedFileEffects } from './effects.ts';
import { wrapAsync, wrapSync } from './wrap.ts';
import type { Kind } from './wrap.ts';

type Args = readonly unknown[];
type Functions = Record<string, (...args: Args) => unknown>;

/** Every file that is made, written, renamed or removed. */
export function wrapFiles(): void {
  const functions = fs as unknown as Functions;
  for (const name of fileEffects) {
    const run = functions[name];
    if (run) functions[name] = wrapSync(kindOf(name), run);
  }
  const asynchronous = promised as unknown as Record<string, (...args: Args) => Promise<unknown>>;
  for (const name of promisedFileEffects) {
    const run = asynchronous[name];
    if (run) asynchronous[name] = wrapAsync(kindOf(name), run);
  }
}

const kindOf = (name: string): Kind<Args> => ({
  name: ([, flags]) => (/^open(Sync)?$/.test(name) && !opensForWriting(flags) ? undefined : `file: ${name}`),
  detail: ([path]) => (typeof path === 'string' ? withoutNumbers(basename(path)) : ''),
  sited: true,
  error: (point) =>
    Object.assign(new Error(`ENOSPC: a fault that a test wanted, ${point}`), {
      code: 'ENOSPC',
      errno: -28,
      syscall: name,
    }),
});

/** What differs from run to run would make each a point of its own. */
export const withoutNumbers = (text: string): string => text.replaceAll(/[0-9a-f]*\d[0-9a-f-]*/g, '#');
