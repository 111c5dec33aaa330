import { closeSync } from 'node:fs';
import { wordsOf } from '../../host/errors.ts';
import { copyDescriptor, openPidfd } from '../../host/libc.ts';
import type { Held, Hello } from '../../keeper/protocol.ts';
import type { KeeperConnection } from './connection.ts';

/** What a keeper held that is replaced, on its way to the next one. */
export interface Bequest {
  /** Copy what a keeper holds, before it retires. */
  takeOver(hello: Hello): void;
  /** Give it to another keeper. Answers what that one holds of it. */
  handOver(connection: KeeperConnection): Promise<Held[]>;
  /** Let go of our copies. */
  close(): void;
}

const holdLimitMs = 5_000;

/** One of two keepers is there at a time, so what is held stays open here in between. @param warn told of what is lost */
export function createBequest(warn: (message: string) => void): Bequest {
  const bequeathed: Held[] = [];

  const lost = ({ key }: Held, error: unknown): void =>
    warn(`the descriptors that the keeper held for ${key} are lost: ${wordsOf(error)}`);

  function close(): void {
    for (const { fds } of bequeathed.splice(0)) for (const fd of fds) closeSync(fd);
  }

  async function hold(each: Held, connection: KeeperConnection): Promise<Held[]> {
    try {
      await connection.ask({ op: 'hold', pid: process.pid, ...each }, holdLimitMs).answer;
      return [each];
    } catch (error) {
      lost(each, error);
      return [];
    }
  }

  return {
    takeOver({ pid, held = [] }) {
      for (const each of held) {
        try {
          bequeathed.push({ ...each, fds: copyFrom(pid, each.fds) });
        } catch (error) {
          lost(each, error);
        }
      }
    },
    handOver: async (connection) => (await Promise.all(bequeathed.map((each) => hold(each, connection)))).flat(),
    close,
  };
}

/** All of them, or none. */
function copyFrom(pid: number, fds: readonly number[]): number[] {
  const pidfd = openPidfd(pid);
  if (pidfd === undefined) throw new Error(`the keeper (pid ${pid}) has ended`);
  const copies: number[] = [];
  try {
    for (const fd of fds) copies.push(copyDescriptor(pidfd, fd));
    return copies;
  } catch (error) {
    for (const copy of copies) closeSync(copy);
    throw error;
  } finally {
    closeSync(pidfd);
  }
}
