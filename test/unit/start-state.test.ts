import { closeSync, mkdtempSync, openSync, readSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createFdTable, MAX_FDS, recordedFds } from '../../src/hooks/start-state/fd-table.ts';
import { MountFlags } from '../../src/hooks/start-state/mount-flags.ts';
import type { StartState } from '../../src/hooks/plugin.ts';
import { createStartState } from '../../src/hooks/start-state.ts';
import { isCloseOnExec } from '../../src/host/libc.ts';
import { openIn, pipe } from '../support/descriptors.ts';

let table = createFdTable();
const complaints: string[] = [];
const stateOf = () => createStartState(table, (why) => void complaints.push(why));

afterEach(() => {
  for (const { fd } of recordedFds(table)) closeSync(fd);
  table = createFdTable();
  complaints.length = 0;
});

/** Dobby's contract, section 2. */
describe('addFileDescriptor', () => {
  it('numbers from 3 in call order, across plugins, and keeps the same one twice', () => {
    const [first, second] = [stateOf(), stateOf()];
    const fd = openSync('/dev/null', 'r');
    const numbers = [
      first.addFileDescriptor('a', fd),
      second.addFileDescriptor('b', fd),
      first.addFileDescriptor('a', fd),
      second.addFileDescriptor('other', fd),
    ];
    expect(numbers).toEqual([3, 4, 5, 6]);
    expect(new Set([...first.files(), fd]).size).toBe(5);
    closeSync(fd);
  });

  it('takes a copy: the caller may close its own, and it is close-on-exec as well', () => {
    const [reader, writer] = pipe();
    const state = stateOf();
    state.addFileDescriptor('a', writer);
    closeSync(writer);
    const [copy = -1] = state.files();
    writeSync(copy, 'x');
    expect([readSync(reader, Buffer.alloc(10)), isCloseOnExec(copy)]).toEqual([1, true]);
    closeSync(reader);
  });

  it('answers files() with descriptors of this process, in call order, and files(name) with those under that name', () => {
    const state = stateOf();
    const [reader, writer] = pipe();
    const name = openIn('self').get(reader);
    for (const [plugin, fd] of [
      ['a', reader],
      ['b', writer],
      ['ä'.repeat(200), reader],
      ['a', writer],
    ] as const)
      state.addFileDescriptor(plugin, fd);
    const open = openIn('self');
    expect(state.files().map((fd) => open.get(fd))).toEqual(Array(4).fill(name));
    expect(state.files('a')).toEqual([state.files()[0], state.files()[3]]);
    expect(state.files('ä'.repeat(200))).toEqual([state.files()[2]]);
    expect(state.files('nobody')).toEqual([]);
    [reader, writer].forEach((fd) => closeSync(fd));
  });

  it('takes 128 and no more', () => {
    const state = stateOf();
    const fd = openSync('/dev/null', 'r');
    const numbers = Array.from({ length: 130 }, () => state.addFileDescriptor('a', fd));
    expect([numbers[127], numbers[128], numbers[129]]).toEqual([130, -1, -1]);
    expect(complaints).toEqual(Array(2).fill(expect.stringContaining(`${MAX_FDS} file descriptors at most`)));
    const before = openIn('self').size;
    state.addFileDescriptor('a', fd);
    expect(openIn('self').size).toBe(before);
    closeSync(fd);
  });

  it.each([
    ['one that is not open', 99_999, /99999 is not open/],
    ['none', -1, /-1 is not open/],
    ['a text', '3', /is a number, not '3'/],
    ['a path', '../fd/1', /is a number/],
    ['nothing', undefined, /is a number, not undefined/],
  ])('answers -1 to %s, and says why', (_, fd, words) => {
    // What a plugin in JavaScript may hand over.
    const add = stateOf().addFileDescriptor as (name: unknown, fd: unknown) => number;
    expect([add('a', fd), recordedFds(table)]).toEqual([-1, []]);
    expect(complaints).toEqual([expect.stringMatching(words)]);
  });

  it('answers -1 without a name, and after its call has ended', () => {
    const fd = openSync('/dev/null', 'r');
    const state = stateOf();
    expect((state.addFileDescriptor as (name: unknown, fd: number) => number)(7, fd)).toBe(-1);
    state.finish();
    expect(state.addFileDescriptor('a', fd)).toBe(-1);
    expect(complaints).toEqual([expect.stringContaining('under a name'), expect.stringContaining('call had ended')]);
    closeSync(fd);
  });

  it('remembers which are to be held', () => {
    const state: StartState = stateOf();
    const fd = openSync('/dev/null', 'r');
    state.addFileDescriptor('a', fd, { hold: true });
    state.addFileDescriptor('a', fd, { hold: false });
    state.addFileDescriptor('a', fd);
    expect(recordedFds(table)).toEqual(state.files().map((copy, at) => ({ fd: copy, hold: at === 0 })));
    closeSync(fd);
  });
});

describe('addMount', () => {
  it.each([
    ['the flag', '/not/there', '', MountFlags.MS_BIND, []],
    ['the type', '/not/there', 'bind', 0, []],
    ['an option', '/not/there', '', 0, ['rbind']],
    ['a file on the way, and', '/dev/null/x', 'bind', 0, []],
  ] as const)('refuses a bind mount, by %s, of what is not there, and says so', (_, source, type, flags, options) => {
    const state = stateOf();
    expect([state.addMount(source, '/x', type, flags, options), state.finish().mounts]).toEqual([false, []]);
    expect(complaints).toEqual([`the bind mount at "/x" has the source "${source}", which is not there`]);
  });

  it('refuses a bind mount of a path that says nothing without a directory', () => {
    expect(stateOf().addMount('tmp', '/x', 'bind')).toBe(false);
    expect(complaints).toEqual([expect.stringMatching(/"tmp", which is not an absolute path/)]);
  });

  it.each([
    ['flags in words', 'MS_BIND', [], /'\/x' has flags that are no number made of MountFlags: 'MS_BIND'/],
    ['flags that are none', Number.NaN, [], /flags that are no number made of MountFlags: NaN/],
    ['flags of another kind of number', 4096n, [], /flags that are no number made of MountFlags: 4096n/],
    ['options in one text', 0, 'ro,nosuid', /'\/x' has options that are no list of strings: 'ro,nosuid'/],
    ['no options at all', 0, null, /options that are no list of strings: null/],
    ['options that are no text', 0, [1], /options of a mount must be strings/],
  ])('refuses %s, and says so', (_, flags, options, words) => {
    const state = stateOf();
    const add = state.addMount as (...parts: unknown[]) => boolean;
    expect([add('tmpfs', '/x', 'tmpfs', flags, options), state.finish().mounts]).toEqual([false, []]);
    expect(complaints).toEqual([expect.stringMatching(words)]);
  });

  it('takes what is there, a link that is mounted for itself, and other mounts with any source', () => {
    const dir = mkdtempSync(join(tmpdir(), 'hob-state-'));
    symlinkSync('/not/there', join(dir, 'link'));
    const state = stateOf();
    const taken = [
      state.addMount(dir, '/a', '', MountFlags.MS_BIND),
      state.addMount(join(dir, 'link'), '/b', 'bind', 0, ['copy-symlink']),
      state.addMount(join(dir, 'link'), '/c', 'bind'),
      state.addMount('anything', '/d', 'tmpfs'),
    ];
    rmSync(dir, { recursive: true });
    expect(taken).toEqual([true, true, false, true]);
  });
});
