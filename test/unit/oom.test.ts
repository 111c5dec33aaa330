import { expect, it } from 'vitest';
import { isWithin, parseOomKill } from '../../src/runtime/oom.ts';

const v1 =
  '6,1234,1885009344,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=web,mems_allowed=0,oom_memcg=/hob/web,task_memcg=/hob/web,task=sh,pid=9223,uid=0\n';

it('reads which process of which cgroup the kernel killed', () => {
  expect(parseOomKill(v1)).toEqual({ cgroup: '/hob/web', pid: 9223 });
});

it('is not misled by what a program is called', () => {
  const line = v1.replace('task=sh', 'task=x,pid=1,uid=0');
  expect(parseOomKill(line)).toEqual({ cgroup: '/hob/web', pid: 9223 });
});

it('counts a process that the host as a whole had no memory for', () => {
  const line =
    '6,1,1,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/hob/web/child,task=node,pid=77,uid=1000\n';
  expect(parseOomKill(line)).toEqual({ cgroup: '/hob/web/child', pid: 77 });
});

it.each(['4,1,1,-;sh invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0', '', 'oom-kill:'])(
  'reads nothing from %j',
  (line) => {
    expect(parseOomKill(line)).toBeUndefined();
  },
);

it.each([
  ['/hob/web', '/hob/web', true],
  ['/hob/web/child', '/hob/web', true],
  ['/docker/abc/hob/web', '/hob/web', true],
  ['/hob/web', 'hob/web', true],
  ['/hob/web2', '/hob/web', false],
  ['/hob', '/hob/web', false],
])('the cgroup %s is within %s: %s', (cgroup, path, expected) => {
  expect(isWithin(cgroup, path)).toBe(expected);
});
