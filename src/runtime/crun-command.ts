import type { RunResult } from '../keeper/protocol.ts';
import type { Keeper } from './keeper-client.ts';

/** One run of crun that is waited for. */
export type CrunCommand = (args: readonly string[], options?: CrunOptions) => Promise<string>;

interface CrunOptions {
  /** 10 s by default. */
  readonly timeoutMs?: number;
  /** Memory, not a pipe, so that crun can open /dev/stdin anew. */
  readonly stdin?: string;
}

const timeLimitMs = 10_000;

/** @returns a function that runs crun through the keeper, answers what it printed, and throws an Error in crun's own words */
export function crunCommand(keeper: Pick<Keeper, 'run'>, findCrun: () => string, root: string): CrunCommand {
  return async (args, { timeoutMs = timeLimitMs, stdin } = {}) => {
    const argv = [findCrun(), '--root', root, ...args];
    // None of what is asked of crun this way does more when it is done twice.
    const result = await keeper.run({ argv, timeoutMs, ...(stdin !== undefined && { stdin }) }, undefined, {
      repeatable: true,
    });
    if (result.code === 0) return result.stdout;
    throw new Error(`crun ${args.join(' ')} failed: ${why(result, timeoutMs)}`);
  };
}

function why({ timedOut, stderr, code, signal }: RunResult, timeoutMs: number): string {
  if (timedOut) return `it did not end within ${timeoutMs / 1000} s`;
  return stderr.trim() || (signal === null ? `exit code ${code}` : `it was killed by ${signal}`);
}
