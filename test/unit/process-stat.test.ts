import { expect, it } from 'vitest';
import { decodeWaitStatus } from '../../src/host/libc.ts';
import { parseProcessStat } from '../../src/runtime/instance/proc.ts';

const stat = (name: string, state = 'S') =>
  `4711 (${name}) ${state} 1 4711 4711 0 -1 4194304 163 0 0 0 0 0 0 0 20 0 1 0 987654 7315456 217 18446744073709551615 1 1\n`;

it.each(['sleep', 'a b c', 'x) R 1 2 3', '(((', ') S 5 (', 'é\n'])(
  'reads the start time of a process called %j',
  (name) => {
    expect(parseProcessStat(stat(name))).toMatchObject({ state: 'S', startTime: 987654 });
  },
);

it.each([
  [0, { code: 0 }],
  [1 << 8, { code: 1 }],
  [137 << 8, { code: 137 }],
  [9, { signal: 'SIGKILL' }],
  [15, { signal: 'SIGTERM' }],
  [11 | 0x80, { signal: 'SIGSEGV' }],
  [34, { signal: 'SIGRTMIN+0' }],
  [64, { signal: 'SIGRTMIN+30' }],
])('a wait status of %i is %j', (status, ended) => {
  expect(decodeWaitStatus(status)).toEqual(ended);
});
