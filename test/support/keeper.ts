import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Answers, LogRequest, Message, Request } from '../../src/keeper/protocol.ts';
import { mkfifo } from '../../src/host/libc.ts';
import { keeperCommand } from '../../src/runtime/keeper/process.ts';
import { isAlive } from './processes.ts';
import { until } from './until.ts';

const repository = join(import.meta.dirname, '../..');
/** Where the hob command has it as well. */
export const compileCache = join(repository, 'node_modules/.cache/hob');

/** A client of a keeper, without any of the real one's cleverness. */
export interface Dialogue {
  /** Rejects with the keeper's message; `code` is its code. */
  ask<R extends Request>(request: R): Promise<Answers[R['op']]>;
  /** Ask, and do not wait: the id for `cancel`. */
  send(request: Request): { id: number; answer: Promise<unknown> };
  write(text: string | Buffer): Promise<void>;
  /** Everything that came, whatever it belongs to. */
  readonly received: Message[];
  readonly endedLogs: string[];
  /** The keeper has ended the connection. */
  readonly closed: Promise<void>;
  /** Read nothing any more. */
  pause(): void;
  hangUp(): void;
}

export interface TestKeeper {
  readonly dir: string;
  pid(): number;
  /** Start a keeper process, and wait until it listens. */
  start(options?: { idleSeconds?: number; shell?: string }): Promise<void>;
  /** One more keeper process; its exit code. */
  startAnother(): Promise<number | null>;
  dial(): Promise<Dialogue>;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** The keeper's process has ended. */
  gone(): Promise<void>;
  fifo(name: string): string;
  /** A request to carry the FIFOs `KEY.stdout` and `KEY.stderr`, made here, to `KEY.log`. */
  log(key: string, change?: Partial<LogRequest>): LogRequest;
  /** What the log file says: records without their times. */
  records(key: string): string[];
  ownLog(): string;
  dispose(): Promise<void>;
}

export function testKeeper(): TestKeeper {
  const dir = mkdtempSync(join(tmpdir(), 'hob-keeper-'));
  const dialogues: Dialogue[] = [];
  const path = (name: string): string => join(dir, name);
  const pid = (): number => Number(read(path('keeper.pid')));

  function spawnKeeper({ idleSeconds = 30, shell = 'exec "$@"' } = {}): ReturnType<typeof spawn> {
    const log = `${dir}/keeper.log`;
    return spawn('sh', ['-c', `exec >>"${log}" 2>&1; ${shell}`, 'sh', ...keeperCommand(dir), String(idleSeconds)], {
      stdio: 'ignore',
      detached: true,
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache },
    });
  }

  // A zombie's other threads may still be there, and its socket with them.
  const gone = (): Promise<void> => until('the keeper has gone', () => !existsSync(`/proc/${pid()}`));

  return {
    dir,
    pid,
    async start(options) {
      spawnKeeper(options);
      await until('the keeper listens', async () => {
        const dialogue = await dial(path('keeper.sock')).catch(() => undefined);
        dialogue?.hangUp();
        return dialogue !== undefined;
      });
    },
    startAnother: () => new Promise((resolve) => spawnKeeper().once('exit', resolve)),
    async dial() {
      const dialogue = await dial(path('keeper.sock'));
      dialogues.push(dialogue);
      return dialogue;
    },
    async kill(signal = 'SIGKILL') {
      process.kill(pid(), signal);
      await gone();
    },
    gone,
    fifo(name) {
      mkfifo(path(name), 0o600);
      return path(name);
    },
    log(key, change = {}) {
      const streams = (['stdout', 'stderr'] as const).map((stream) => ({ stream, fifo: path(`${key}.${stream}`) }));
      for (const { fifo } of streams) if (!existsSync(fifo)) mkfifo(fifo, 0o600);
      return { key, streams, path: path(`logs/${key}.log`), maxSizeBytes: 10_000_000, maxFiles: 3, ...change };
    },
    records: (key) => withoutTimes(read(path(`logs/${key}.log`))),
    ownLog: () => read(path('keeper.log')),
    async dispose() {
      for (const dialogue of dialogues) dialogue.hangUp();
      if (isAlive(pid())) await this.kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function dial(path: string): Promise<Dialogue> {
  const socket = connect(path);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const waiting = new Map<number, { resolve: (ok: unknown) => void; reject: (error: Error) => void }>();
  const received: Message[] = [];
  const endedLogs: string[] = [];
  let lastID = 0;
  let rest = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = JSON.parse(line) as Message;
      received.push(message);
      if ('event' in message) endedLogs.push(...(message.event === 'logEnded' ? [message.key] : []));
      else if ('ok' in message) waiting.get(message.id)?.resolve(message.ok);
      else waiting.get(message.id ?? 0)?.reject(Object.assign(new Error(message.error.message), message.error));
    }
  });

  function send(request: Request): { id: number; answer: Promise<unknown> } {
    const id = ++lastID;
    const answer = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    answer.catch(() => undefined);
    socket.write(`${JSON.stringify({ id, ...request })}\n`);
    return { id, answer };
  }

  return {
    ask: (request) => send(request).answer as Promise<Answers[(typeof request)['op']]>,
    send,
    write: (text) => new Promise((resolve) => socket.write(text, () => resolve())),
    received,
    endedLogs,
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    pause: () => void socket.pause(),
    hangUp: () => void socket.destroy(),
  };
}

export const withoutTimes = (log: string): string[] =>
  log
    .split('\n')
    .slice(0, -1)
    .map((record) => record.slice(31));

/** The output of one stream, put together from the records of its log. */
export function outputOf(log: Buffer, stream: string): Buffer {
  const pieces: Buffer[] = [];
  for (let from = 0; from < log.length;) {
    const to = log.indexOf('\n', from);
    const record = log.subarray(from, to);
    const [, name, tag] = record.toString('latin1').split(' ', 3);
    if (name === stream) pieces.push(record.subarray(40), Buffer.from(tag === 'F' ? '\n' : ''));
    from = to + 1;
  }
  return Buffer.concat(pieces);
}

export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
