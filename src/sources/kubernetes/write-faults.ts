import { wordsOf } from '../../host/errors.ts';
import { isConflict, Unreachable } from './api-error.ts';
import { KubeconfigFault } from './credentials/read.ts';

/** Tells of writes that the server does not take, once for each way they fail. */
export interface WriteFaults {
  tell(key: string, error: unknown): void;
  /** The server takes them again, or there is nothing to write any more. */
  forget(key: string): void;
}

export function writeFaults(onFault: (key: string, message: string) => void): WriteFaults {
  const told = new Map<string, string>();
  return {
    tell(key, error) {
      const message = wordsOf(error);
      if (isToldElsewhere(error) || told.get(key) === message) return;
      told.set(key, message);
      onFault(key, message);
    },
    forget: (key) => void told.delete(key),
  };
}

/** That the server cannot be reached is told by whoever reads from it; and what others write in between is nothing to tell of. */
const isToldElsewhere = (error: unknown): boolean =>
  error instanceof Unreachable || error instanceof KubeconfigFault || isConflict(error);
