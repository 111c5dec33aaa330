import { meansScarcity } from '../../host/errors.ts';
import { tryAgain } from '../../host/try-again.ts';
import type { Answers, Request, RunRequest, RunResult } from '../../keeper/protocol.ts';
import { keeperError, type KeeperConnection } from './connection.ts';
import type { KeeperLink } from './link.ts';
import type { KeeperSession } from './session.ts';

interface AskOptions {
  /** How long to wait for a keeper; undefined: as long as it takes. The same again for its answer. */
  readonly limitMs?: number;
  /** Doing it twice does no harm: when a keeper is lost over it, ask the next. */
  readonly repeatable?: boolean;
  /** Ends the wait for a keeper. */
  readonly signal?: AbortSignal | undefined;
  /** Told each time that the request goes out. */
  readonly onAsked?: (connection: KeeperConnection, id: number) => void;
}

const answerLimitMs = 10_000;
const cancelLimitMs = 10_000;

/** Ask the keeper that there is, or the next one if there is none now. */
export async function ask<R extends Request>(
  link: KeeperLink,
  request: R,
  options: AskOptions,
): Promise<Answers[R['op']]> {
  for (;;) {
    const { connection } = await untilKeeper(link, options);
    const { id, answer } = connection.ask(request, options.limitMs ?? answerLimitMs);
    options.onAsked?.(connection, id);
    try {
      return await answer;
    } catch (error) {
      if (!canAskNext(error, options)) throw error;
      await connection.ended;
    }
  }
}

/** It was not done, or may be done again. */
function canAskNext(error: unknown, { repeatable = false }: AskOptions): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'NOT_SENT' || code === 'RETIRING' || (repeatable && code === 'KEEPER_LOST');
}

async function untilKeeper(link: KeeperLink, { limitMs, signal }: AskOptions): Promise<KeeperSession> {
  signal?.throwIfAborted();
  const { promise: givenUp, reject } = Promise.withResolvers<never>();
  const tooLate = (): void => reject(keeperError('NO_KEEPER', `there has been no keeper for ${limitMs} ms`));
  const aborted = (): void => reject(signal?.reason);
  const timer = limitMs === undefined ? undefined : setTimeout(tooLate, limitMs);
  signal?.addEventListener('abort', aborted);
  try {
    return await Promise.race([link.session(), givenUp]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', aborted);
  }
}

/**
 * The keeper keeps to the time limit by itself; ours is for a keeper that does not. A program that a host short of something could not start is
 * tried again for some seconds.
 */
export async function askToRun(
  link: KeeperLink,
  request: RunRequest,
  signal: AbortSignal | undefined,
  repeatable: boolean,
): Promise<RunResult> {
  let cancel = (): void => undefined;
  const onAsked = (connection: KeeperConnection, id: number): void => {
    cancel = () => void connection.ask({ op: 'cancel', request: id }, cancelLimitMs).answer.catch(() => undefined);
  };
  const onAbort = (): void => cancel();
  signal?.addEventListener('abort', onAbort);
  try {
    const limitMs = request.timeoutMs + answerLimitMs;
    const options = { limitMs, signal, onAsked, repeatable };
    return await tryAgain(() => ask(link, { op: 'run', ...request }, options), { mayPass: meansScarcity, signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
