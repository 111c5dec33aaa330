import { describe, expect, it } from 'vitest';
import type { CgroupLayout } from '../../src/host/cgroups.ts';
import { limitsOff, mergedLimits } from '../../src/runtime/limits.ts';

const controllers = ['memory', 'cpu', 'cpuset', 'pids', 'freezer'];
const v2: CgroupLayout = {
  version: 'v2',
  controllers: new Map(controllers.map((name) => [name, '/cg'])),
  unified: '/cg',
  crunRefuses: false,
};
const v1: CgroupLayout = {
  version: 'v1',
  controllers: new Map(controllers.map((name) => [name, `/cg/${name}`])),
  crunRefuses: false,
};
const reading =
  (files: Readonly<Record<string, string>>) =>
  (path: string): string =>
    files[path] ?? '';

describe('the limits of a container', () => {
  const told = {
    memory: { limit: 64 << 20, swap: 65 << 20 },
    cpu: { shares: 1024, quota: 50_000, period: 100_000, cpus: '0-1' },
    pids: { limit: 50 },
  };

  it('are as crun was told on cgroup v2, whichever way crun makes a weight of shares', () => {
    const files = {
      '/cg/web/memory.max': '67108864\n',
      '/cg/web/memory.swap.max': '1048576\n',
      '/cg/web/cpu.weight': '39\n',
      '/cg/web/cpu.max': '50000 100000\n',
      '/cg/web/cpuset.cpus': '0,1\n',
      '/cg/web/pids.max': '50\n',
    };
    expect(limitsOff(told, '/web', v2, reading(files))).toEqual([]);
    expect(limitsOff(told, '/web', v2, reading({ ...files, '/cg/web/cpu.weight': '100\n' }))).toEqual([]);
  });

  it('are as crun was told on cgroup v1', () => {
    const files = {
      '/cg/memory/web/memory.limit_in_bytes': '67108864\n',
      '/cg/memory/web/memory.memsw.limit_in_bytes': '68157440\n',
      '/cg/cpu/web/cpu.shares': '1024\n',
      '/cg/cpu/web/cpu.cfs_quota_us': '50000\n',
      '/cg/cpu/web/cpu.cfs_period_us': '100000\n',
      '/cg/cpuset/web/cpuset.cpus': '0-1\n',
      '/cg/pids/web/pids.max': '50\n',
    };
    expect(limitsOff(told, '/web', v1, reading(files))).toEqual([]);
  });

  it('that are others are named, with what they were and what they should be', () => {
    const files = { '/cg/web/memory.max': 'max\n', '/cg/web/pids.max': '7\n', '/cg/web/cpu.max': 'max 100000\n' };
    expect(limitsOff(told, '/web', v2, reading(files))).toEqual([
      'memory.max was max, not 67108864',
      'cpu.max was max 100000, not 50000 100000',
      'pids.max was 7, not 50',
    ]);
  });

  it('below 0 are none, however the kernel writes that', () => {
    const none = { memory: { limit: -1, swap: -1 } };
    const at = (text: string) => reading({ '/cg/memory/web/memory.limit_in_bytes': text });
    expect(limitsOff(none, '/web', v1, at('9223372036854771712'))).toEqual([]);
    expect(limitsOff(none, '/web', v1, at('4096'))).toHaveLength(1);
    expect(limitsOff(none, '/web', v2, reading({ '/cg/web/memory.max': 'max' }))).toEqual([]);
  });

  it('that crun was not told, or that no file tells of, may be anything', () => {
    expect(limitsOff({}, '/web', v2, reading({ '/cg/web/memory.max': '1' }))).toEqual([]);
    expect(limitsOff(told, '/web', v2, reading({}))).toEqual([]);
  });

  it('are those of the start, with what was changed since over them', () => {
    const first = { memory: { limit: 1, swap: 2 }, pids: { limit: 3 }, devices: [] };
    expect(mergedLimits(first, { memory: { limit: 5 }, cpu: { shares: 6 } })).toEqual({
      memory: { limit: 5, swap: 2 },
      cpu: { shares: 6 },
      pids: { limit: 3 },
    });
  });
});
