import { describe, expect, it } from 'vitest';
import { HintFlags, hintNames, hookMode, parseHints } from '../../src/hooks/hint-flags.ts';
import { mountOptions } from '../../src/hooks/start-state/mount-flags.ts';

describe('hint flags', () => {
  it("are Dobby's numbers", () => {
    expect(HintFlags).toEqual({
      PostConstructionSync: 0x1,
      PreStartSync: 0x2,
      PostStartSync: 0x4,
      PostStopSync: 0x8,
      PreDestructionSync: 0x10,
      PostConstructionAsync: 0x10000,
      PreStartAsync: 0x20000,
      PostStartAsync: 0x40000,
      PostStopAsync: 0x80000,
      PreDestructionAsync: 0x100000,
    });
  });

  it('say how a plugin takes part: asynchronously when both bits are set', () => {
    expect(hookMode(HintFlags.PostStopSync, 'postStop')).toBe('sync');
    expect(hookMode(HintFlags.PostStopAsync, 'postStop')).toBe('async');
    expect(hookMode(HintFlags.PostStopSync | HintFlags.PostStopAsync, 'postStop')).toBe('async');
    expect(hookMode(HintFlags.PostStopSync, 'preDestruction')).toBe('none');
    expect(hookMode(HintFlags.PreDestructionAsync, 'preDestruction')).toBe('async');
  });

  it('are printed as names, and parsed from them', () => {
    const names = ['PostConstructionSync', 'PreDestructionAsync'];
    expect(hintNames(parseHints(names))).toEqual(names);
    expect(hintNames(0x20 | 0x1)).toEqual(['PostConstructionSync', '0x20']);
    expect(hintNames(2 ** 32 + 2)).toEqual(['PreStartSync', '0x100000000']);
    expect(hintNames(0)).toEqual([]);
  });

  it('with an unknown name are an error that lists the right ones', () => {
    expect(() => parseHints(['PostStart'])).toThrow(/unknown hint "PostStart".*PostStartSync/);
  });
});

describe('mount flags', () => {
  it("become OCI options in Dobby's order, after the options that were given", () => {
    const all = 1 | 2 | 4 | 8 | 16 | 128 | 1024 | 2048 | 4096 | 32768 | (1 << 21) | (1 << 24);
    expect(mountOptions(['mode=755'], all)).toEqual({
      options: 'mode=755 bind ro sync nosuid dirsync nodiratime relatime noexec nodev noatime strictatime'.split(' '),
      leftOver: 0,
    });
  });

  it('MS_BIND and MS_REC together are rbind, and both used up', () => {
    expect(mountOptions([], 4096 | 16384 | 1)).toEqual({ options: ['rbind', 'ro'], leftOver: 0 });
  });

  it('that no option stands for are left over', () => {
    expect(mountOptions([], 16384 | 32 | 1)).toEqual({ options: ['ro'], leftOver: 16384 | 32 });
  });
});
