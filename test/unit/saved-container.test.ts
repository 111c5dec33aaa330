import { describe, expect, it } from 'vitest';
import type { SavedContainer } from '../../src/controller/saved-container.ts';
import { isSavedContainer } from '../../src/daemon/saved-container.ts';
import { newContainer } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const made = { spec: aSpec(), generation: 1, hash: { instance: 'one', resources: 'one' } };
const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' };
const born = newContainer(identity, { ...made, labels: {}, annotations: {}, removed: false });
const saved: SavedContainer = {
  context: { ...born, instance: { id: '01234567-1', ...made }, instances: 1 },
  conditions: [],
  claim: { source: 'directory', origin: '/specs/web.yaml' },
  contentHash: 'one',
};

/** What it says, with the value at the end of a path replaced. */
function withValue(path: string, value: unknown): unknown {
  const copy: unknown = JSON.parse(JSON.stringify(saved));
  const keys = path.split('.');
  const holder = keys.slice(0, -1).reduce((at, key) => Reflect.get(Object(at) as object, key) as unknown, copy);
  Reflect.set(Object(holder) as object, keys.at(-1) ?? '', value);
  return copy;
}

describe('a record of a container', () => {
  it('can be gone on with before and after its first instance, whatever more there is in it', () => {
    expect(isSavedContainer(saved)).toBe(true);
    expect(isSavedContainer({ ...saved, context: born })).toBe(true);
    expect(isSavedContainer(withValue('context.instance.news', { of: 'another version' }))).toBe(true);
  });

  it.each([
    'context',
    'context.uid',
    'context.restartCount',
    'context.desired',
    'context.desired.spec',
    'context.desired.spec.plugins',
    'context.desired.hash.instance',
    'context.desired.removed',
    'context.instance',
    'context.instance.id',
    'context.instance.spec.plugins',
    'context.instance.generation',
    'context.hookFailures',
    'conditions',
    'claim.origin',
    'contentHash',
  ])('cannot be with something else as its %s', (path) => {
    for (const value of [null, true, [null], { length: 1 }].filter(
      (one) => !(path.endsWith('removed') && one === true),
    ))
      if (!(Array.isArray(value) && ['conditions', 'context.hookFailures'].includes(path)))
        expect([path, value, isSavedContainer(withValue(path, value))]).toEqual([path, value, false]);
  });

  it('is none when it is nothing of the kind', () => {
    for (const value of [undefined, null, 7, 'x', [], {}]) expect(isSavedContainer(value)).toBe(false);
  });
});

describe('a record whose parts are damaged', () => {
  it.each([
    ['context.nextStartAt', 1e300],
    ['context.closedAt', 'soon'],
    ['context.missingPlugins', [null]],
    ['context.hookFailures', [null]],
    [
      'context.lastTermination',
      { instanceID: 'a', reason: 'Error', finishedAt: '', exitCode: { toString: 1, valueOf: 1 } },
    ],
    ['context.instance.exit', null],
    ['context.instance.failure', 5],
    ['conditions', [null]],
  ])('cannot be gone on with: %s', (path, value) => {
    expect(isSavedContainer(withValue(path, value))).toBe(false);
  });
});
