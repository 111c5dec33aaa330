import { expect, it } from 'vitest';
import { hooksOf } from '../../src/daemon/hook-status.ts';
import type { HookCall } from '../../src/journal/journal.ts';

const hobSince = '2026-01-01T00:00:10.000Z';
const call = (more: Partial<HookCall>): HookCall => ({
  containerID: 'web',
  instanceID: 'a-1',
  point: 'preStart',
  plugin: 'net',
  attempt: 1,
  startedAt: '2026-01-01T00:00:20.000Z',
  ...more,
});
const ended = { endedAt: '2026-01-01T00:00:21.000Z', durationMs: 1000 } as const;

it('a call that has ended has its outcome, reason, message and duration', () => {
  const failure = { outcome: 'failed', reason: 'HookThrew', message: 'Error: no' } as const;
  expect(hooksOf([call({ ...ended, ...failure })], hobSince)).toEqual({
    preStart: [{ plugin: 'net', startedAt: '2026-01-01T00:00:20.000Z', attempt: 1, durationMs: 1000, ...failure }],
  });
});

it('a call that has not ended runs', () => {
  expect(hooksOf([call({})], hobSince)).toMatchObject({ preStart: [{ outcome: 'running' }] });
});

it('a call that a hob before this one began was interrupted', () => {
  const before = call({ startedAt: '2026-01-01T00:00:09.999Z' });
  expect(hooksOf([before], hobSince)).toMatchObject({ preStart: [{ outcome: 'interrupted' }] });
});

it('a call that was made again was interrupted, and no other', () => {
  const calls = [call({}), call({ plugin: 'other' }), call({ point: 'postStart' }), call({ attempt: 2 })];
  expect(hooksOf(calls, hobSince)).toMatchObject({
    preStart: [
      { plugin: 'net', attempt: 1, outcome: 'interrupted' },
      { plugin: 'other', outcome: 'running' },
      { plugin: 'net', attempt: 2, outcome: 'running' },
    ],
    postStart: [{ outcome: 'running' }],
  });
});
