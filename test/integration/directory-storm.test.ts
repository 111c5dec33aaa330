import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { meanwhile, specText, until, Workshop } from '../support/watched-folder.ts';

const FILES = 50;
const STORM_MS = 3000;
const SETTLE_MS = 400;

let shop: Workshop;
beforeEach(() => {
  shop = new Workshop();
  mkdirSync(shop.folder);
});
afterEach(() => shop.close());

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the folder says in the end, read without any of the code under test. */
function contentOf(folder: string, prefix = ''): Record<string, string> {
  return Object.assign(
    {},
    ...readdirSync(folder, { withFileTypes: true }).map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return contentOf(path, `${prefix}${entry.name}/`);
      const [, name, version] = /name: (\S+), labels: \{ version: "(\S+)"/.exec(readFileSync(path, 'utf8')) ?? [];
      return { [`${prefix}${entry.name}`]: `${name}=${version}` };
    }),
  ) as Record<string, string>;
}

it.each([1, 2, 3])(
  'after a storm of changes the specs are what the folder says, and no half one was read (seed %s)',
  async (seed) => {
    const random = randomFrom(seed);
    const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
    const writing = new Set<string>();
    /** On a busy machine a writer can pause for so long that its half file counts as whole, and rightly so. */
    const paused = new Set<string>();
    let version = 0;

    /** Over a while, in pieces. Nobody else touches the file meanwhile. */
    async function writeInPieces(name: string, text: string): Promise<void> {
      writing.add(name);
      const path = shop.path(name);
      writeFileSync(path, '');
      for (let at = 0; at < text.length; at += 120) {
        appendFileSync(path, text.slice(at, at + 120));
        const began = performance.now();
        await meanwhile(random() * 40);
        if (performance.now() - began > SETTLE_MS / 2) paused.add(name);
      }
      writing.delete(name);
    }

    const anyName = (): string => `${pick(['', '', 'x/', 'x/y/', 'z/'])}f${Math.floor(random() * FILES)}.yaml`;
    const pending: Promise<void>[] = [];

    function change(): void {
      const name = anyName();
      const other = anyName();
      if (writing.has(name) || writing.has(other)) return;
      const text = specText(`c${Math.floor(random() * FILES)}`, ++version);
      const folder = dirname(name);
      const isThere = existsSync(shop.path(name));
      mkdirSync(shop.path(folder), { recursive: true });
      mkdirSync(shop.path(dirname(other)), { recursive: true });
      const kind = random();
      if (kind < 0.3) shop.moveIn(name, text);
      else if (kind < 0.5) pending.push(writeInPieces(name, text));
      else if (kind < 0.6) writeFileSync(shop.path(name), text);
      else if (kind < 0.75 && isThere) renameSync(shop.path(name), shop.path(other));
      else if (kind < 0.97 && isThere) unlinkSync(shop.path(name));
      else if (folder !== '.' && ![...writing].some((busy) => busy.startsWith(folder)))
        rmSync(shop.path(folder), { recursive: true });
    }

    await shop.watchAndSync({ settleMs: SETTLE_MS, removeMs: 100 });
    for (const end = performance.now() + STORM_MS; performance.now() < end;) {
      for (let i = Math.floor(random() * 8); i >= 0; i--) change();
      await meanwhile(random() * 30);
    }
    await Promise.all(pending);
    await until(() => expect(Object.fromEntries(shop.recorder.state)).toEqual(contentOf(shop.folder)));
    const halfRead = shop.recorder.told.filter((line) => line.includes('!') && !paused.has(line.split(' ')[1] ?? ''));
    expect(halfRead).toEqual([]);
  },
);
