import { describe, expect, it } from 'vitest';
import { cpuCount, memoryBytes } from '../../src/api/quantity.ts';

describe('memory quantities', () => {
  it.each([
    [0, 0],
    [4096, 4096],
    ['4096', 4096],
    ['1k', 1000],
    ['1Ki', 1024],
    ['64Mi', 67108864],
    ['1.5Gi', 1610612736],
    ['.5Ki', 512],
    ['2.Ki', 2048],
    ['1M', 1e6],
    ['3G', 3e9],
    ['1T', 1e12],
    ['1P', 1e15],
    ['7Pi', 7 * 2 ** 50],
    ['1e6', 1e6],
    ['12E2', 1200],
    ['+5', 5],
    ['0.1Ki', 103],
  ])('%s is %d bytes', (quantity, bytes) => {
    expect(memoryBytes(quantity)).toBe(bytes);
  });

  it.each([
    ['64m', /thousandth/],
    ['64MB', /did you mean M\?/],
    ['64mib', /did you mean Mi\?/],
    ['64KiB', /did you mean Ki\?/],
    ['64K', /did you mean k\?/],
    ['64 Mi', /no space/],
    ['-64Mi', /must not be negative/],
    [-1, /must not be negative/],
    ['', /a number and a unit/],
    ['Mi', /a number and a unit/],
    ['1.2.3Mi', /a number and a unit/],
    ['0x10', /units of memory/],
    ['8Pi', /less than 8Pi/],
    ['1E', /less than 8Pi/],
    [Infinity, /less than 8Pi/],
    [NaN, /must not be negative/],
    ['9'.repeat(1_000_000), /a number and a unit/],
  ])('%s is refused', (quantity, message) => {
    expect(() => memoryBytes(quantity)).toThrow(message);
  });
});

describe('CPU quantities', () => {
  it.each([
    ['500m', 0.5],
    ['2', 2],
    ['1.5', 1.5],
    [1.5, 1.5],
    ['10m', 0.01],
    ['1e1', 10],
  ])('%s is %d CPUs', (quantity, count) => {
    expect(cpuCount(quantity)).toBeCloseTo(count, 10);
  });

  it.each([
    ['500M', /none or m/],
    ['half', /such as 500m or 2/],
    ['-1', /must not be negative/],
    ['1 m', /no space/],
    ['50%', /none or m/],
  ])('%s is refused', (quantity, message) => {
    expect(() => cpuCount(quantity)).toThrow(message);
  });
});
