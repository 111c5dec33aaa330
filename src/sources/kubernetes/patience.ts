import { Unreachable } from './api-error.ts';

/** Ends what nothing comes of. */
export interface Patience {
  /** Fires when nothing has come for as long as was last said. */
  readonly signal: AbortSignal;
  /** Something has come; the next is to come within so many milliseconds. */
  expect(withinMs: number): void;
  end(): void;
}

export function patience(withinMs: number): Patience {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const expect = (ms: number): void => {
    clearTimeout(timer);
    const reason = new Unreachable(`the API server has said nothing for ${ms / 1000} s`);
    timer = setTimeout(() => controller.abort(reason), ms);
  };
  expect(withinMs);
  return { signal: controller.signal, expect, end: () => clearTimeout(timer) };
}
