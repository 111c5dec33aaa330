import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keeperFiles, protocolVersion, type Hello } from '../keeper/protocol.ts';
import { connectTo, keeperError, type KeeperConnection } from './keeper-connection.ts';
import { keeperLogTail, keeperPid, killKeeper, startKeeperProcess, type KeeperProcess } from './keeper-process.ts';

export interface SessionOptions {
  /** Absolute, with all links resolved. */
  readonly runDir: string;
  readonly nodeArgs: readonly string[];
  readonly onLogEnded: (key: string) => void;
  readonly warn: (message: string) => void;
}

/** A keeper that has answered, and speaks our version. */
export interface KeeperSession {
  readonly connection: KeeperConnection;
  readonly hello: Hello;
}

const startLimitMs = 15_000;
const helloLimitMs = 5_000;
const retireLimitMs = 8_000;
/** How long somebody may hold the lock and not listen, before that is not a start or an end but a keeper that hangs. */
const deafLimitMs = 3_000;
const lookAgainMs = 10;
/** Between two starts of a keeper process in one search. */
const startAgainMs = 200;

/** Find the keeper of the run directory, or start one. Rejects when neither works, quoting the keeper's log. */
export async function openSession(options: SessionOptions): Promise<KeeperSession> {
  const starter = keeperStarter(options);
  const deadline = performance.now() + startLimitMs;
  while (performance.now() < deadline) {
    const session = await findSession(options);
    if (session) return session;
    starter.see();
    await sleep(lookAgainMs);
  }
  const path = join(options.runDir, keeperFiles.socket);
  throw new Error(`no keeper answers at ${path} within ${startLimitMs / 1000} s; ${keeperLogTail(options.runDir)}`);
}

/** Undefined when there is no keeper, or none any more. */
async function findSession({ runDir, onLogEnded, warn }: SessionOptions): Promise<KeeperSession | undefined> {
  let pid = keeperPid(runDir);
  const onHang = (message: string): void => {
    warn(killKeeper(runDir, pid) ? `${message}; its process ${pid} is killed and replaced` : message);
  };
  const connection = await connectTo(join(runDir, keeperFiles.socket), { onLogEnded, onHang });
  const hello = await connection
    ?.ask({ op: 'hello', version: protocolVersion }, helloLimitMs)
    .answer.catch(() => undefined);
  if (!hello) connection?.end(keeperError('KEEPER_LOST', 'it does not say hello'));
  if (!connection || !hello) return undefined;
  pid = hello.pid;
  if (hello.version === protocolVersion) return { connection, hello };
  warn(
    `the keeper (pid ${pid}) speaks version ${hello.version} of the protocol, not ${protocolVersion}: it is replaced`,
  );
  await connection.ask({ op: 'retire' }, retireLimitMs).answer.catch(() => undefined);
  await Promise.race([connection.ended, sleep(retireLimitMs).then(() => onHang('the keeper does not retire'))]);
  return undefined;
}

/** Starts a keeper when there is none; `see` is called again and again while none listens. Throws when it ends in failure. */
function keeperStarter({ runDir, nodeArgs }: SessionOptions): { see(): void } {
  let child: KeeperProcess | undefined;
  let startedAt = -Infinity;
  let deafSince = performance.now();

  /** Another process has the lock, and should listen. */
  function considerDeaf(): void {
    if (performance.now() - deafSince < deafLimitMs) return;
    killKeeper(runDir, keeperPid(runDir));
    deafSince = performance.now();
  }

  return {
    see() {
      const end = child?.ended();
      if (end?.failed) throw new Error(`the keeper does not start (${end.how}); ${keeperLogTail(runDir)}`);
      if (child && !end) return;
      if (end) considerDeaf();
      if (performance.now() - startedAt < startAgainMs) return;
      child = startKeeperProcess(runDir, nodeArgs);
      startedAt = performance.now();
    },
  };
}
