import { expect, it } from 'vitest';
import { untilDone } from '../../src/lifecycle/until-done.ts';

it('does it again until it succeeds, and tells every failure', async () => {
  const told: unknown[] = [];
  let tries = 0;
  const attempt = async (): Promise<string> => {
    tries += 1;
    if (tries < 3) throw new Error(`failure ${tries}`);
    return 'done';
  };
  const { signal } = new AbortController();
  expect(await untilDone(attempt, (error) => told.push(String(error)), signal)).toBe('done');
  expect(told).toEqual(['Error: failure 1', 'Error: failure 2']);
});

it('gives up when nobody wants it any more: in the middle of an attempt, and between two', async () => {
  const abort = new AbortController();
  let tries = 0;
  const attempt = (): Promise<never> => {
    tries += 1;
    return Promise.reject(new Error('no'));
  };
  const done = untilDone(attempt, () => abort.abort(new Error('gone')), abort.signal);
  await expect(done).rejects.toThrow();
  await expect(untilDone(attempt, () => undefined, abort.signal)).rejects.toThrow('gone');
  expect(tries).toBe(2);
});
