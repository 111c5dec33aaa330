import { describe, expect, it } from 'vitest';
import { age, duration, milliseconds, parseDuration } from '../../src/cli/age.ts';
import { containerNames } from '../../src/cli/names.ts';
import { table, visibleWidth } from '../../src/cli/table.ts';

describe('a time span reads as in kubectl', () => {
  const second = 1_000;
  const [minute, hour, day] = [60 * second, 3_600 * second, 86_400 * second];
  const spans: [number, string][] = [
    [0, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [3 * minute + 20 * second, '3m20s'],
    [10 * minute, '10m'],
    [179 * minute, '179m'],
    [3 * hour, '3h'],
    [3 * hour + 7 * minute, '3h7m'],
    [8 * hour + 7 * minute, '8h'],
    [47 * hour, '47h'],
    [2 * day, '2d'],
    [2 * day + 5 * hour, '2d5h'],
    [8 * day + 5 * hour, '8d'],
    [729 * day, '729d'],
    [730 * day + 31 * day, '2y31d'],
    [3_000 * day, '8y'],
  ];
  for (const [span, text] of spans) it(text, () => expect(duration(span)).toBe(text));

  it('is counted from a moment, and one in the future is no age', () => {
    expect(age('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:00:05Z'))).toBe('5s');
    expect(age('2026-01-01T00:00:01Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('0s');
    expect(age('2026-01-01T01:00:00Z', Date.parse('2026-01-01T00:00:00Z'))).toBe('<invalid>');
    expect(age('nonsense')).toBe('<invalid>');
    expect(age(undefined)).toBe('<unknown>');
  });
});

describe('a time-out', () => {
  const times: [string, number | undefined][] = [
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5m', 90_000],
    ['5', 5_000],
    ['0s', 0],
    ['9999h', 2 ** 31 - 1],
    ['', undefined],
    ['soon', undefined],
    ['-1s', undefined],
    ['3 s', undefined],
  ];
  for (const [text, ms] of times) it(`"${text}" is ${ms ?? 'none'}`, () => expect(parseDuration(text)).toBe(ms));
});

describe('names of containers', () => {
  it('may have their kind before them, in either of the ways of kubectl', () => {
    expect(containerNames('get', ['a', 'container/b', 'containers.hob.dev/c'])).toEqual(['a', 'b', 'c']);
    expect(containerNames('get', ['container', 'a', 'b'])).toEqual(['a', 'b']);
    expect(containerNames('get', ['containers'])).toEqual([]);
  });

  it('that would lead elsewhere in the API are refused', () => {
    for (const name of ['', '.', '..', '../x', 'a/b/c', 'pod/a', '/', 'container/'])
      expect(() => containerNames('get', [name])).toThrow(/no name of a container/);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'A', cell: (row: string[]) => row[0] ?? '' },
    { title: 'LONG', cell: (row: string[]) => row[1] ?? '' },
  ];

  it('has columns as wide as their widest cell, and no blanks at the end', () => {
    expect(
      table(columns, [
        ['xyz', '1'],
        ['', '22222'],
      ]),
    ).toEqual(['A     LONG', 'xyz   1', '      22222']);
  });

  it('is not bent by colours', () => {
    const [, line = ''] = table(columns, [['\x1b[32mok\x1b[39m', 'x']]);
    expect(visibleWidth(line)).toBe('ok   x'.length);
  });

  it('goes on below itself where a cell has several lines', () => {
    expect(table(columns, [['a', 'one\ntwo']])[1]).toBe('a   one\n    two');
  });
});

it.each([
  [undefined, ''],
  [0.004, '0.004ms'],
  [0.256, '0.26ms'],
  [9.96, '10ms'],
  [99.5, '100ms'],
  [1_000, '1.0s'],
  [9_940, '9.9s'],
  [30_000, '30s'],
  [300_000, '5m'],
])('a call of %s ms took %j', (span, words) => {
  expect(milliseconds(span)).toBe(words);
});
