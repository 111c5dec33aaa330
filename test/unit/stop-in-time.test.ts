import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { stopInTime } from '../../src/daemon/stop-in-time.ts';

let said: string;
beforeEach(() => {
  vi.useFakeTimers();
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it('hob ends, with words, when its stop fails', async () => {
  const end = vi.fn();
  stopInTime(() => Promise.reject(new Error('the disk is gone')), end);
  await vi.advanceTimersByTimeAsync(0);
  expect(end).toHaveBeenCalledOnce();
  expect(said).toContain('could not end in order (the disk is gone)');
});

it('hob ends, with words, when its stop hangs', async () => {
  const end = vi.fn();
  stopInTime(() => new Promise(() => undefined), end);
  await vi.advanceTimersByTimeAsync(14_999);
  expect(end).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(end).toHaveBeenCalledOnce();
  expect(said).toContain('takes more than 15 s');
});
