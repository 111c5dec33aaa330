import { describe, expect, it } from 'vitest';
import { closeInstance, newContainer, nextInstance } from '../../machines/context.ts';
import type { ContainerContext, Instance } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const minutes = 60_000;
const begin = Date.parse('2026-01-02T03:04:05Z');
const at = (ms: number): string => new Date(begin + ms).toISOString();

const born = newContainer(
  { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' },
  {
    spec: aSpec(),
    labels: {},
    annotations: {},
    generation: 1,
    hash: { instance: 'one', resources: 'one' },
    removed: false,
  },
);

/** Failures in a row after an instance that was this, where there were three before it. */
function failuresAfter(change: Partial<Instance>): number | undefined {
  const context: ContainerContext = { ...born, failuresInRow: 3, instance: { ...nextInstance(born), ...change } };
  return closeInstance(context, begin).failuresInRow;
}

/** What it ran by the clock, and the most that it can have run, as the kernel counts. */
const ran = (byClock: number, ranAtMostMs?: number): Partial<Instance> => ({
  startedAt: at(0),
  exit: { oomKilled: false, finishedAt: at(byClock), ...(ranAtMostMs !== undefined && { ranAtMostMs }) },
});

describe('failures before an instance', () => {
  it.each<[string, Partial<Instance>]>([
    ['ran for ten minutes', ran(10 * minutes)],
    ['ran for ten minutes, and can have', ran(10 * minutes, 10 * minutes)],
    ['ran for ten minutes, as far as its clock tells, which was set forward', ran(60 * minutes, 10 * minutes)],
  ])('no longer count where it %s', (_, instance) => {
    expect(failuresAfter(instance)).toBe(1);
  });

  it.each<[string, Partial<Instance>]>([
    ['ran a millisecond less', ran(10 * minutes - 1)],
    ['ran a millisecond less, and was noticed late', ran(10 * minutes - 1, 60 * minutes)],
    [
      'cannot have run for ten minutes, whatever a clock says that was set forward',
      ran(60 * minutes, 10 * minutes - 1),
    ],
    ['ran for no time at all', ran(60 * minutes, 0)],
    ['ended before it began, by a clock that was set back', ran(-60 * minutes, 60 * minutes)],
    ['never started', { exit: { oomKilled: false, finishedAt: at(60 * minutes) } }],
    ['has no end that anybody knows', { startedAt: at(0) }],
  ])('still count where it %s', (_, instance) => {
    expect(failuresAfter(instance)).toBe(4);
  });
});
