import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect } from 'vitest';

/**
 * Random input with a seed. The same seed gives the same cases, so that CI tries today what it tried yesterday; the soak takes another seed
 * and more cases.
 */
const seed = Number(process.env['HOB_FUZZ_SEED'] ?? 20261123);
/** How many times as many cases as `npm test` tries. */
const times = Number(process.env['HOB_FUZZ_RUNS'] ?? 1);

/** How many were tried in this file. */
let tried = 0;
afterAll(() => console.log(`${tried} cases, HOB_FUZZ_SEED=${seed}`));

/** How many cases `npm test` with these settings tries where it tries `count` by itself. */
export const cases = (count: number): number => Math.max(1, Math.round(count * times));

/** A time limit for a test of so many cases, in milliseconds: for one that hangs, not for one that is slow. */
export const patience = Math.max(120_000, 120_000 * times);

/**
 * Try `check` with `count` inputs, times what HOB_FUZZ_RUNS says. What it throws for one of them fails, with the smallest input that was found
 * and how to try it again.
 */
export async function holds<Input>(
  input: fc.Arbitrary<Input>,
  count: number,
  check: (input: Input) => void | Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(input, async (value) => {
    tried += 1;
    await check(value);
  });
  try {
    await fc.assert(property, { seed, numRuns: cases(count), endOnFailure: false });
  } catch (error) {
    const again = `again: HOB_FUZZ_SEED=${seed} HOB_FUZZ_RUNS=${times} npm test -- ${expect.getState().testPath ?? ''}`;
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${again}`, { cause: error });
  }
}

/** A new directory, in memory where that can be: thousands of small files are written, and a disk may have others to serve. */
export const scratch = (): string => mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'hob-fuzz-'));

/** So many of them, always the same with the same seed. */
export function samples<Input>(input: fc.Arbitrary<Input>, count: number): Input[] {
  tried += count;
  return fc.sample(input, { seed, numRuns: count });
}

/** What stands in the way of parsers. */
const pieces = [
  ...'\t \n\r"\'{}[](),:;&*!|>%@#?-+=.~0/\\'.split(''),
  '\r\n',
  '\0',
  '\x1b[2J',
  '\uFEFF',
  '\u2028',
  '\uD800',
  'é'.repeat(50),
  '- ',
  '? ',
  ': ',
  '---\n',
  '...\n',
  '<<: ',
  '*b',
  '&b ',
  '!!int ',
  '1e400',
  '-1',
  '9007199254740993',
  '4294967297',
  '99999999999999999999',
  '.inf',
  'NaN',
  '01',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'true',
  '{{{{',
  ']]]]',
  '../',
  '  '.repeat(40),
];

interface Change {
  readonly at: number;
  /** How much is taken away there. */
  readonly cut: number;
  /** What comes there: a piece, or a part of the text itself. */
  readonly put: string | readonly [number, number];
}

const changes = fc.array(
  fc.record<Change>({
    at: fc.nat(),
    cut: fc.oneof(fc.nat(3), fc.nat(60)),
    put: fc.oneof(
      { arbitrary: fc.constantFrom(...pieces), weight: 4 },
      { arbitrary: fc.tuple(fc.nat(), fc.nat(200)), weight: 2 },
      { arbitrary: fc.string({ unit: 'binary', maxLength: 8 }), weight: 1 },
      { arbitrary: fc.constant(''), weight: 1 },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

/** One of these texts with some changes: pieces of it cut out, doubled, replaced by what stands in the way. */
export const mutatedText = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...texts), changes).map(([text, all]) => all.reduce(changed, text));

function changed(text: string, { at, cut, put }: Change): string {
  const from = at % (text.length + 1);
  const piece = typeof put === 'string' ? put : text.slice(put[0] % (text.length + 1)).slice(0, put[1]);
  return text.slice(0, from) + piece + text.slice(from + cut);
}

/** One of these texts with some of its bytes replaced. */
export const mutatedBytes = (...texts: readonly (string | Buffer)[]): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      fc.constantFrom(...texts),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.option(fc.nat(), { freq: 4 }),
    )
    .map(([text, all, end]) => {
      const bytes = Buffer.from(text);
      for (const [at, byte] of all) bytes[at % bytes.length] = byte;
      return end === null ? bytes : bytes.subarray(0, end % (bytes.length + 1));
    });

/** A value of JSON that is rarely what is expected. */
export const strange: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    1e300,
    2 ** 53,
    2 ** 32 + 1,
    '',
    'x',
    '1',
    '/',
    '/x/../y',
    '\0',
    'é'.repeat(200),
    [],
    [[]],
    [null],
    ['x'],
    [1],
    {},
    { a: 1 },
    { name: 'x' },
    { path: '/x' },
    { toString: 1, valueOf: 1 },
    JSON.parse('{"__proto__": {"path": "/x"}}'),
    JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`),
  ),
  fc.jsonValue(),
);

/** The value with one to three of its parts, wherever they are, replaced by something strange, doubled, or left out. */
export const mutatedValue = (value: unknown, by = strange): fc.Arbitrary<unknown> =>
  fc
    .array(fc.tuple(fc.nat(), fc.oneof({ arbitrary: by, weight: 5 }, { arbitrary: fc.constant(gone), weight: 1 })), {
      minLength: 1,
      maxLength: 3,
    })
    .map((all) => all.reduce(mutated, value));

function mutated(value: unknown, [at, put]: [number, unknown]): unknown {
  const result = replacePart(value, at % sizeOf(value), put);
  return result === gone ? null : result;
}

/** Stands for a part that is not there. */
const gone = Symbol('gone');

/** How many parts there are in a value, itself included. */
const sizeOf = (value: unknown): number => partsOf(value).reduce((sum, [, part]) => sum + sizeOf(part), 1);

const partsOf = (value: unknown): [string, unknown][] =>
  typeof value === 'object' && value !== null ? Object.entries(value) : [];

function replacePart(value: unknown, at: number, put: unknown): unknown {
  if (at === 0) return put;
  let left = at - 1;
  for (const [name, part] of partsOf(value)) {
    const size = sizeOf(part);
    if (left < size) return withPart(value, name, replacePart(part, left, put));
    left -= size;
  }
  return value;
}

function withPart(value: unknown, name: string, part: unknown): unknown {
  if (Array.isArray(value)) return part === gone ? value.toSpliced(Number(name), 1) : value.with(Number(name), part);
  const others = partsOf(value).filter(([other]) => other !== name);
  return Object.fromEntries(part === gone ? others : [...others, [name, part]]);
}
