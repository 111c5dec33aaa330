import { expect, it } from 'vitest';
import { meansScarcity } from '../../src/host/errors.ts';
import { tryAgain } from '../../src/host/try-again.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Fails so often, and then answers. */
function failing(times: number, code = 'EAGAIN') {
  const self = {
    tries: 0,
    attempt: () => {
      self.tries += 1;
      if (self.tries <= times) throw failure(code);
      return 'done';
    },
  };
  return self;
}

it('what fails once is done at the second try', async () => {
  const work = failing(1);
  expect(await tryAgain(work.attempt, { mayPass: meansScarcity })).toBe('done');
  expect(work.tries).toBe(2);
});

it('what will not pass by itself is not tried again', async () => {
  const work = failing(1, 'ENOENT');
  await expect(tryAgain(work.attempt, { mayPass: meansScarcity })).rejects.toThrow('ENOENT');
  expect(work.tries).toBe(1);
});

it('what nobody wants any more is not tried again', async () => {
  const work = failing(1);
  await expect(tryAgain(work.attempt, { signal: AbortSignal.abort() })).rejects.toThrow('EAGAIN');
  expect(work.tries).toBe(1);
});

it('what never works is given up', async () => {
  const work = failing(Infinity);
  await expect(tryAgain(work.attempt)).rejects.toThrow('EAGAIN');
  expect(work.tries).toBe(5);
});
