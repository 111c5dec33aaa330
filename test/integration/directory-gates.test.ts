import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createGateWatch, gatesTo } from '../../src/sources/directory/gates.ts';
import { until } from '../support/watched-folder.ts';

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'hob-gates-'));
});
afterEach(() => rmSync(base, { recursive: true }));

describe('the way to a folder', () => {
  it('is decided by its own name', () => {
    mkdirSync(join(base, 'specs'));
    expect(gatesTo(join(base, 'specs'))).toEqual([{ folder: base, name: 'specs' }]);
  });

  it('is decided by each link on it, wherever that is', () => {
    mkdirSync(join(base, 'volume/..1/specs'), { recursive: true });
    symlinkSync('..1', join(base, 'volume/..data'));
    symlinkSync('volume/../volume/..data/specs', join(base, 'here'));
    expect(gatesTo(join(base, 'here'))).toEqual([
      { folder: base, name: 'here' },
      { folder: join(base, 'volume'), name: '..data' },
      { folder: join(base, 'volume/..1'), name: 'specs' },
    ]);
  });

  it('ends at the first name that is missing', () => {
    expect(gatesTo(join(base, 'one/two/three'))).toEqual([{ folder: base, name: 'one' }]);
    symlinkSync('nowhere/specs', join(base, 'here'));
    expect(gatesTo(join(base, 'here'))).toEqual([
      { folder: base, name: 'here' },
      { folder: base, name: 'nowhere' },
    ]);
  });

  it('does not go round in circles', () => {
    symlinkSync('b', join(base, 'a'));
    symlinkSync('a', join(base, 'b'));
    expect(gatesTo(join(base, 'a')).length).toBeLessThan(50);
  });

  it('goes from the root', () => {
    expect(gatesTo('/')).toEqual([{ folder: '/', name: '' }]);
  });
});

describe('watching the way', () => {
  it('tells when one of its names comes to mean something else, and of no other name', async () => {
    const swung = vi.fn();
    const failed = vi.fn();
    const gates = createGateWatch({ swung, failed });
    mkdirSync(join(base, 'one'));
    symlinkSync('one', join(base, 'here'));
    expect(gates.update(gatesTo(join(base, 'here')))).toBe(true);
    expect(gates.update(gatesTo(join(base, 'here')))).toBe(false);
    writeFileSync(join(base, 'other'), '');
    writeFileSync(join(base, 'one/inside'), '');
    symlinkSync('two', join(base, 'next'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(swung).not.toHaveBeenCalled();
    renameSync(join(base, 'next'), join(base, 'here'));
    await until(() => expect(swung).toHaveBeenCalledOnce());
    expect(failed).not.toHaveBeenCalled();
    gates.close();
  });
});
