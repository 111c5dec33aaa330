import { describe, expect, it } from 'vitest';
import { parseLabelSelector } from '../../src/daemon/api/label-selector.ts';

const labels = { app: 'web', tier: 'front', 'hob.dev/empty': '' };

describe('a label selector chooses', () => {
  const chosen = [
    'app=web',
    'app==web',
    'app = web',
    'app!=db',
    'other!=x',
    'app in (db, web)',
    'app notin (db,cache)',
    'other notin (x)',
    'app',
    '!other',
    'hob.dev/empty=',
    'hob.dev/empty',
    'app=web,tier in (front,back),!other',
  ];
  for (const selector of chosen) it(selector, () => expect(parseLabelSelector(selector)(labels)).toBe(true));
});

describe('a label selector leaves out', () => {
  const left = [
    'app=db',
    'app!=web',
    'app in (db)',
    'app notin (web)',
    'other',
    '!app',
    'app=web,tier=back',
    'app=',
    'toString',
  ];
  for (const selector of left) it(selector, () => expect(parseLabelSelector(selector)(labels)).toBe(false));
});

describe('what is no label selector is refused', () => {
  for (const selector of ['a,,b', ',', 'a in b', '=x', 'a b', '!!a', 'a in (b', `a=${'x'.repeat(2_000)}`])
    it(selector.slice(0, 20), () => expect(() => parseLabelSelector(selector)).toThrow(/label selector/));
});
