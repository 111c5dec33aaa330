import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkIdentity } from '../../src/hooks/identity.ts';
import { knownIdentity } from '../../src/hooks/module/known-identity.ts';
import { readFromThread } from '../../src/hooks/module/messages.ts';
import { describeThrown, inspectThrown } from '../../src/hooks/thrown.ts';

const noWords = 'something that cannot be put into words';

describe('what a plugin throws', () => {
  it.each([
    ['has no prototype', Object.create(null)],
    ['cannot be made a string', { toString: 1, valueOf: 1 }],
    [
      'throws when it is looked at',
      new Proxy(
        {},
        {
          getPrototypeOf: () => {
            throw new Error('no');
          },
        },
      ),
    ],
    ['has no words', []],
  ])('is told in words where it %s', (_, thrown) => {
    expect(describeThrown(thrown)).toBe(noWords);
  });

  it('is told where its stack is no text', () => {
    expect(describeThrown(Object.assign(new Error('why'), { stack: 5 }))).toBe('Error: why');
  });

  it('is cut where it is without end', () => {
    expect(describeThrown('x'.repeat(5_000_000))).toHaveLength(4_000);
    const odd = {
      [Symbol.for('nodejs.util.inspect.custom')]: () => {
        throw new Error('no');
      },
    };
    expect(inspectThrown(odd)).toBe(noWords);
  });
});

describe('what a thread posts', () => {
  it.each([
    null,
    5,
    {},
    { kind: 'nothing' },
    { kind: 'ended', call: 1 },
    { kind: 'ended', call: 1, outcome: { ok: false, reason: 'because', message: '' } },
    { kind: 'ended', call: 1, outcome: { ok: true, additions: { env: [1], mounts: [] } } },
    { kind: 'loaded', module: { name: 'x', hookHints: { toString: 1 }, methods: [], written: [] } },
    { kind: 'run', program: 1, request: { argv: 'ls' } },
  ])('is no message to hob: %j', (said) => {
    expect(readFromThread(said)).toBeUndefined();
  });

  it('is one when hob would have said it', () => {
    const said = { kind: 'ended', call: 1, outcome: { ok: true, additions: { env: ['A=b'], mounts: [] } } };
    expect(readFromThread(said)).toBe(said);
  });
});

it('hints that are no names are refused in words', () => {
  const hookHints = [{ toString: 1, valueOf: 1 }];
  expect(() => checkIdentity({ name: 'x', hookHints })).toThrow(/unknown hint "\{"toString":1,"valueOf":1\}"/);
});

it.each([5, null, { name: '../x', hookHints: 1, methods: [], written: [] }, { name: 'x', hookHints: 1 }])(
  'a file that remembers what no module says is as if it were not there: %j',
  (module) => {
    const folder = mkdtempSync(join(tmpdir(), 'hob-known-'));
    writeFileSync(join(folder, '.identity.json'), JSON.stringify({ version: '1', node: process.version, module }));
    expect(knownIdentity(folder, '1')).toBeUndefined();
    rmSync(folder, { recursive: true });
  },
);
