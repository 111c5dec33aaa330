import { describe, expect, it } from 'vitest';
import { type DataFields, readData } from '../../src/hooks/data.ts';

describe('a field of data', () => {
  it('is answered as it is', () => {
    const fields = readData({ a: 'x', b: false, c: 3, d: ['x', 'y'], e: { f: 1 }, g: [{ h: 2 }, {}] });
    expect(fields.string('a')).toBe('x');
    expect(fields.boolean('b')).toBe(false);
    expect(fields.integer('c', { min: 3, max: 3 })).toBe(3);
    expect(fields.strings('d')).toEqual(['x', 'y']);
    expect(fields.object('e')?.integer('f')).toBe(1);
    expect(fields.objects('g')?.map((each) => each.integer('h'))).toEqual([2, undefined]);
    expect(() => fields.end()).not.toThrow();
  });

  it('is undefined where it is not there', () => {
    for (const data of [null, undefined, {}]) {
      const fields = readData(data);
      expect(fields.string('a')).toBeUndefined();
      expect(fields.objects('b')).toBeUndefined();
      expect(() => fields.end()).not.toThrow();
    }
  });

  const wrongOnes: readonly [unknown, (fields: DataFields) => unknown, string][] = [
    [{ a: 1 }, (fields) => fields.string('a'), 'data.a must be a string, not 1'],
    [{ a: null }, (fields) => fields.string('a'), 'data.a must be a string, not null'],
    [{ a: 'true' }, (fields) => fields.boolean('a'), 'data.a must be true or false, not "true"'],
    [{ a: 1.5 }, (fields) => fields.integer('a'), 'data.a must be an integer, not 1.5'],
    [{ a: 0 }, (fields) => fields.integer('a', { min: 1 }), 'data.a must be an integer of 1 or more, not 0'],
    [{ a: 4 }, (fields) => fields.integer('a', { max: 3 }), 'data.a must be an integer of 3 or less, not 4'],
    [{ a: 4 }, (fields) => fields.integer('a', { min: 1, max: 3 }), 'data.a must be an integer from 1 to 3, not 4'],
    [{ a: ['x', 1] }, (fields) => fields.strings('a'), 'data.a must be a list of strings, not ["x",1]'],
    [{ a: 'x' }, (fields) => fields.strings('a'), 'data.a must be a list of strings, not "x"'],
    [{ a: [] }, (fields) => fields.object('a'), 'data.a must be an object, not []'],
    [{ a: {} }, (fields) => fields.objects('a'), 'data.a must be a list of objects, not {}'],
    [{ a: [{}, 7] }, (fields) => fields.objects('a'), 'data.a[1] must be an object, not 7'],
    [{ a: [{ b: 7 }] }, (fields) => fields.objects('a')?.[0]?.string('b'), 'data.a[0].b must be a string, not 7'],
    [{ a: { b: 7 } }, (fields) => fields.object('a')?.string('b'), 'data.a.b must be a string, not 7'],
  ];
  it.each(wrongOnes)('of the wrong type is named: %j', (data, read, message) => {
    expect(() => read(readData(data))).toThrow(new TypeError(message));
  });

  it('is not shown at its full length', () => {
    expect(() => readData({ a: ['x'.repeat(1000)] }).string('a')).toThrow(
      new TypeError(`data.a must be a string, not ["${'x'.repeat(78)}...`),
    );
  });

  it('can be found wrong by the plugin itself, in the same words', () => {
    const inner = readData({ a: { b: 'x' } }).object('a');
    expect(inner?.wrong('b', 'a colour').message).toBe('data.a.b must be a colour, not "x"');
    expect(inner?.wrong('c', 'a colour').message).toBe('data.a.c must be a colour and is missing');
  });
});

describe('data that is no object', () => {
  it.each([['x'], [7], [true], [[]], [[{}]]])('is refused: %j', (data) => {
    expect(() => readData(data)).toThrow(new TypeError(`data must be an object, not ${JSON.stringify(data)}`));
  });
});

describe('a field that nobody asked for', () => {
  it('is named, with those that there are', () => {
    const fields = readData({ naem: 'x' });
    fields.string('name');
    fields.strings('levels');
    expect(() => fields.end()).toThrow(new Error('data.naem is not a field of this plugin; there are name, levels'));
  });

  it('is named where it is inside of another', () => {
    const fields = readData({ list: [{ a: 1 }, { a: 1, b: 2 }] });
    fields.objects('list')?.forEach((each) => each.integer('a'));
    expect(() => fields.end()).toThrow(new Error('data.list[1].b is not a field of this plugin; there are a'));
    const others = readData({ one: { c: 3 } });
    others.object('one');
    expect(() => others.end()).toThrow(new Error('data.one.c is not a field of this plugin; there are none'));
  });

  it('of a plugin without data is told so', () => {
    expect(() => readData({ a: 1 }).end()).toThrow(new Error('data.a is not a field of this plugin; it takes no data'));
  });
});
