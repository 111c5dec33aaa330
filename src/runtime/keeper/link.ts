import { setTimeout as sleep } from 'node:timers/promises';
import { wordsOf } from '../../host/errors.ts';
import type { Hello } from '../../keeper/protocol.ts';
import { keeperError, type KeeperConnection } from './connection.ts';
import { openSession, type KeeperSession, type SessionOptions } from './session.ts';

/** What leads to a keeper at all times: when one dies, to the next. */
export interface KeeperLink {
  /** The keeper, or the next one as soon as it is there. Rejects when the link is cut. */
  session(): Promise<KeeperSession>;
  /** Of the keeper that is there, or was last. */
  pid(): number;
  /** Seek no other keeper any more, and end the connection to this one. */
  cut(): Promise<void>;
  /** Seek no other keeper any more, and have this one end. */
  retire(): Promise<void>;
}

export interface LinkOptions extends Omit<SessionOptions, 'warn'> {
  readonly log: { info(message: string): void; warn(message: string): void; error(message: string): void };
  /** Before anything else is asked of a keeper that replaces another. */
  readonly onNewKeeper: (connection: KeeperConnection, hello: Hello) => Promise<void>;
}

/** A keeper that lived so long did not die of being started. */
const soundMs = 10_000;
const longestDelayMs = 10_000;
const retireLimitMs = 10_000;

/** Rejects when there is no keeper and none can be started. From then on, one is sought for as long as it takes. */
export async function openLink(options: LinkOptions): Promise<KeeperLink> {
  const { log, onNewKeeper } = options;
  const sessionOptions: SessionOptions = { ...options, warn: (message) => log.warn(message) };
  const first = await openSession(sessionOptions);
  let hello = first.hello;
  let live: KeeperConnection | undefined;
  let isCut = false;
  let deathsInARow = 0;
  let session = Promise.resolve(adopt(first));

  function adopt(opened: KeeperSession): KeeperSession {
    hello = opened.hello;
    live = opened.connection;
    const since = performance.now();
    void opened.connection.ended.then((why) => {
      live = undefined;
      if (performance.now() - since > soundMs) deathsInARow = 0;
      session = isCut ? Promise.reject(closed()) : replace(why);
      session.catch(() => undefined); // it is for those who wait for it
    });
    return opened;
  }

  async function replace(why: string): Promise<KeeperSession> {
    log.warn(`the keeper (pid ${hello.pid}) is lost: ${why}`);
    while (!isCut) {
      await sleep(deathsInARow === 0 ? 0 : Math.min(longestDelayMs, 50 * 2 ** deathsInARow));
      deathsInARow++;
      const next = await tryNext();
      if (next && !isCut) return adopt(next);
      next?.connection.end(closed());
    }
    throw closed();
  }

  async function tryNext(): Promise<KeeperSession | undefined> {
    let next: KeeperSession | undefined;
    try {
      next = await openSession(sessionOptions);
      await onNewKeeper(next.connection, next.hello);
      log.info(`the keeper (pid ${next.hello.pid}) has taken over`);
      return next;
    } catch (error) {
      const reason = wordsOf(error);
      log.error(`no new keeper yet: ${reason}`);
      next?.connection.end(keeperError('KEEPER_LOST', reason));
      return undefined;
    }
  }

  async function end(lastWords: (connection: KeeperConnection) => Promise<unknown>): Promise<void> {
    isCut = true;
    const connection = live;
    if (!connection) return;
    await lastWords(connection).catch(() => undefined);
    connection.end(closed());
    await connection.ended;
  }

  return {
    session: () => session,
    pid: () => hello.pid,
    cut: () => end(async () => undefined),
    retire: () =>
      end(async (connection) => {
        await connection.ask({ op: 'retire' }, retireLimitMs).answer;
        await Promise.race([connection.ended, sleep(retireLimitMs)]);
      }),
  };
}

const closed = (): Error => keeperError('CLOSED', 'the connection to the keeper has been closed');
