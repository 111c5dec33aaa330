import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mergePatch } from '../../src/runtime/oci/merge-patch.ts';
import { patchBetween } from '../../src/sources/kubernetes/patch-between.ts';

/** JSON objects without null, which a merge patch has another use for. */
const value = fc.letrec<{ object: Record<string, unknown>; any: unknown }>((tie) => ({
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  any: fc.oneof({ maxDepth: 3 }, fc.integer(), fc.string(), fc.boolean(), fc.array(fc.integer()), tie('object')),
})).object;

it('the patch between two objects makes the one into the other', () => {
  fc.assert(
    fc.property(value, value, (from, to) => {
      const patch = patchBetween(from, to);
      expect(patch === undefined ? from : mergePatch(from, patch)).toEqual(to);
    }),
  );
});

it('there is none between equal ones, however they are written', () => {
  fc.assert(
    fc.property(value, (one) => {
      expect(patchBetween(one, structuredClone(one))).toBeUndefined();
    }),
  );
  expect(patchBetween({ a: 1, b: undefined }, { a: 1 })).toBeUndefined();
});

it('names only what differs, and replaces lists whole', () => {
  const from = { phase: 'Running', pid: 7, conditions: [{ type: 'Ready', status: 'True' }] };
  const to = { phase: 'Failed', conditions: [{ type: 'Ready', status: 'False' }] };
  expect(patchBetween(from, to)).toEqual({ phase: 'Failed', pid: null, conditions: to.conditions });
});
