import { wordsOf } from '../host/errors.ts';

const limitMs = 15_000;

/**
 * Stop in order. A stop that fails, or hangs at a disk that does not answer, is worth less than the end: hob's own death costs nothing.
 * @param end ends this process at once
 */
export function stopInTime(stop: () => Promise<void>, end: () => void): void {
  const endNow = (why: string): void => {
    process.stderr.write(`hob could not end in order (${why}), and ends now; the containers go on\n`);
    end();
  };
  setTimeout(() => endNow(`it takes more than ${limitMs / 1000} s`), limitMs).unref();
  stop().catch((error: unknown) => endNow(wordsOf(error)));
}
