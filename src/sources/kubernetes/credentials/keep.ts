import type { Credentials } from './credentials.ts';

/** The credentials of the moment. */
export interface KeptCredentials {
  get(): Promise<Credentials>;
  /** A request with them failed. @param refused the server does not know who this is */
  failed(used: Credentials, refused: boolean): void;
}

interface Kept {
  readonly promise: Promise<Credentials>;
  readonly readAt: number;
  value?: Credentials;
  /** When reading them ended in vain. */
  failedAt?: number;
}

/**
 * Tokens expire, and the server may have moved: after a failure they are read again, but not each time when one follows the other. Nor are
 * those that cannot be read, for each of those who ask: it takes half a second of a processor.
 */
const restMs = { refused: 2_000, unreachable: 60_000, unreadable: 10_000 };

export function keepCredentials(
  read: () => Promise<Credentials>,
  now: () => number = performance.now.bind(performance),
): KeptCredentials {
  let kept: Kept | undefined;

  function get(): Promise<Credentials> {
    if (kept && !mayBeReadableNow(kept)) return kept.promise;
    const one: Kept = { promise: read(), readAt: now() };
    kept = one;
    one.promise.then(
      (value) => (one.value = value),
      () => (one.failedAt = now()),
    );
    return one.promise;
  }

  const mayBeReadableNow = ({ failedAt = Infinity }: Kept): boolean => now() - failedAt >= restMs.unreadable;

  return {
    get,
    failed: (used, refused) => {
      if (kept?.value !== used) return;
      if (now() - kept.readAt >= (refused ? restMs.refused : restMs.unreachable)) kept = undefined;
    },
  };
}
