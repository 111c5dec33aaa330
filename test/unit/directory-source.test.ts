import { describe, expect, it } from 'vitest';
import { doubtfulFolders } from '../../src/sources/directory/doubts.ts';
import { folderOf, isSpecName, isWithin } from '../../src/sources/directory/names.ts';

describe('names', () => {
  it.each(['a.yaml', 'a.yml', 'a.json', 'a.b.yaml', 'ä b.yaml', '-.yaml'])('of specs: %s', (name) => {
    expect(isSpecName(name)).toBe(true);
  });

  it.each([
    '.a.yaml',
    '..data',
    '.yaml',
    'a.yaml~',
    'a.yaml.swp',
    'a.yaml.tmp',
    '#a.yaml#',
    'a.YAML',
    'yaml',
    'a.yaml.1',
  ])('of no specs: %s', (name) => {
    expect(isSpecName(name)).toBe(false);
  });

  it('are within a folder by whole names', () => {
    expect(isWithin('a/b.yaml', 'a')).toBe(true);
    expect(isWithin('a', 'a')).toBe(true);
    expect(isWithin('ab/c.yaml', 'a')).toBe(false);
    expect(isWithin('a.yaml', '')).toBe(true);
    expect(isWithin('/x', '/')).toBe(true);
  });

  it('have a folder', () => {
    expect(folderOf('a.yaml')).toBe('');
    expect(folderOf('x/y/a.yaml')).toBe('x/y');
  });
});

describe('an empty folder', () => {
  const place = (real: string, identity: string, device = 1n) => ({ real, identity, device });
  const before = new Map([
    ['', place('/specs', '1')],
    ['sub', place('/specs/sub', '2')],
  ]);
  const doubts = (folders: [string, ReturnType<typeof place>][], specs: string[], declared: string[]) =>
    [...doubtfulFolders(before, { folders: new Map(folders), specs }, declared, '/specs')].map(([name]) => name);

  it('is believed when it is the one that was there before', () => {
    expect(doubts([['', place('/specs', '1')]], [], ['a.yaml'])).toEqual([]);
  });

  it('is not believed when it took the place of one with specs', () => {
    expect(doubts([['', place('/specs', '9')]], [], ['a.yaml'])).toEqual(['']);
    expect(doubts([['', place('/specs', '9')]], [], [])).toEqual([]);
  });

  it('is believed when it is somewhere else, for then a link was changed', () => {
    expect(doubts([['', place('/revisions/2', '9')]], [], ['a.yaml'])).toEqual([]);
  });

  it('is believed when it is not empty', () => {
    expect(doubts([['', place('/specs', '9')]], ['b.yaml'], ['a.yaml'])).toEqual([]);
  });

  it('is believed when it is a sub-folder that was made anew', () => {
    const folders: [string, ReturnType<typeof place>][] = [
      ['', place('/specs', '1')],
      ['sub', place('/specs/sub', '9')],
    ];
    expect(doubts(folders, [], ['sub/b.yaml'])).toEqual([]);
  });

  it('can be a sub-folder where a filesystem went away, among others that are believed', () => {
    const folders: [string, ReturnType<typeof place>][] = [
      ['', place('/specs', '1')],
      ['sub', place('/specs/sub', '9', 2n)],
      ['new', place('/specs/new', '3')],
    ];
    expect(doubts(folders, ['a.yaml'], ['a.yaml', 'sub/b.yaml', 'submarine.yaml'])).toEqual(['sub']);
    expect(doubts(folders, ['a.yaml'], ['a.yaml', 'submarine.yaml'])).toEqual([]);
  });
});
