import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { keeperFiles, protocolVersion, type Hello } from '../../keeper/protocol.ts';
import { createBequest, type Bequest } from './bequest.ts';
import { connectTo, keeperError, type KeeperConnection } from './connection.ts';
import { isHello } from './message.ts';
import { keeperLogTail, keeperPid, killKeeper, startKeeperProcess, type KeeperProcess } from './process.ts';

export interface SessionOptions {
  /** Absolute, with all links resolved. */
  readonly runDir: string;
  readonly nodeArgs: readonly string[];
  readonly onLogEnded: (key: string) => void;
  readonly onOutputLost: (key: string, message: string) => void;
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
/** In one search. */
const mostFailures = 3;

/** Find the keeper of the run directory, or start one. Rejects when neither works, quoting the keeper's log. */
export async function openSession(options: SessionOptions): Promise<KeeperSession> {
  const starter = keeperStarter(options);
  const bequest = createBequest(options.warn);
  const deadline = performance.now() + startLimitMs;
  try {
    while (performance.now() < deadline) {
      const session = await findSession(options, bequest);
      if (session) return await withBequest(session, bequest);
      starter.see();
      await sleep(lookAgainMs);
    }
  } finally {
    bequest.close();
  }
  const path = join(options.runDir, keeperFiles.socket);
  throw new Error(`no keeper answers at ${path} within ${startLimitMs / 1000} s; ${keeperLogTail(options.runDir)}`);
}

async function withBequest({ connection, hello }: KeeperSession, bequest: Bequest): Promise<KeeperSession> {
  const held = [...(hello.held ?? []), ...(await bequest.handOver(connection))];
  return { connection, hello: { ...hello, held } };
}

/** Undefined when there is no keeper, or none any more. */
async function findSession(
  { runDir, onLogEnded, onOutputLost, warn }: SessionOptions,
  bequest: Bequest,
): Promise<KeeperSession | undefined> {
  let pid = keeperPid(runDir);
  const onHang = (message: string): void => {
    warn(killKeeper(runDir, pid) ? `${message}; its process ${pid} is killed and replaced` : message);
  };
  const connection = await connectTo(join(runDir, keeperFiles.socket), { onLogEnded, onOutputLost, onHang });
  const answer = await connection
    ?.ask({ op: 'hello', version: protocolVersion }, helloLimitMs)
    .answer.catch(() => undefined);
  const hello = isHello(answer) ? answer : undefined;
  if (!hello) connection?.end(keeperError('KEEPER_LOST', 'it does not say hello'));
  if (!connection || !hello) return undefined;
  pid = hello.pid;
  if (hello.version === protocolVersion) return { connection, hello };
  warn(
    `the keeper (pid ${pid}) speaks version ${hello.version} of the protocol, not ${protocolVersion}: it is replaced`,
  );
  bequest.takeOver(hello);
  await connection.ask({ op: 'retire' }, retireLimitMs).answer.catch(() => undefined);
  await Promise.race([connection.ended, sleep(retireLimitMs).then(() => onHang('the keeper does not retire'))]);
  return undefined;
}

/** Starts a keeper when there is none; `see` is called again and again while none listens. Throws when it ends in failure again and again. */
function keeperStarter({ runDir, nodeArgs, warn }: SessionOptions): { see(): void } {
  let child: KeeperProcess | undefined;
  let failures = 0;
  let startedAt = -Infinity;
  let deafSince = performance.now();

  /** Another process has the lock, and should listen. */
  function considerDeaf(): void {
    if (performance.now() - deafSince < deafLimitMs) return;
    killKeeper(runDir, keeperPid(runDir));
    deafSince = performance.now();
  }

  /** Somebody may have killed it, which says nothing about the next. */
  function considerFailure(how: string): void {
    failures++;
    const message = `the keeper does not start (${how}); ${keeperLogTail(runDir)}`;
    if (failures === mostFailures) throw new Error(message);
    warn(`${message}; trying again`);
  }

  return {
    see() {
      const end = child?.ended();
      if (child && !end) return;
      child = undefined;
      if (end?.failed) considerFailure(end.how);
      else if (end) considerDeaf();
      if (performance.now() - startedAt < startAgainMs) return;
      child = startKeeperProcess(runDir, nodeArgs);
      startedAt = performance.now();
    },
  };
}
