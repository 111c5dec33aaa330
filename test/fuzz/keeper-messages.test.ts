import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { keeperFiles, lineReader, protocolVersion } from '../../src/keeper/protocol.ts';
import { connectKeeper } from '../../src/runtime/keeper-client.ts';
import { connectTo, keeperError } from '../../src/runtime/keeper/connection.ts';
import { isHello } from '../../src/runtime/keeper/message.ts';
import { holds, mutatedBytes, mutatedText, mutatedValue, patience } from '../support/fuzz.ts';
import { testKeeper, type TestKeeper } from '../support/keeper.ts';

const requests = [
  { id: 5, op: 'hello', version: protocolVersion },
  { id: 5, op: 'run', argv: ['true'], env: { A: 'b' }, cwd: '/', stdin: 'x', timeoutMs: 1000, maxOutputBytes: 10 },
  { id: 5, op: 'start', argv: ['true'], env: {}, stdout: '/no/fifo', descriptors: { pid: 1, fds: [0], stdin: 1 } },
  { id: 5, op: 'start', argv: ['true'], descriptors: { pid: 4_194_304, fds: [0], hold: { key: 'k', fds: [0] } } },
  { id: 5, op: 'cancel', request: 5 },
  {
    id: 5,
    op: 'attachLog',
    key: 'k',
    streams: [{ fifo: '/no/fifo', stream: 'stdout' }],
    path: '/no/log',
    maxSizeBytes: 1000,
    maxFiles: 2,
  },
  { id: 5, op: 'drainLog', key: 'k' },
  { id: 5, op: 'hold', key: 'k', pid: 4_194_304, fds: [0], started: { pid: 1, fds: [3] } },
  { id: 5, op: 'release', key: 'k' },
];
const requestLines = requests.map((request) => JSON.stringify(request));

describe('a client of the keeper', () => {
  let keeper: TestKeeper;
  beforeEach(() => {
    keeper = testKeeper();
  });
  afterEach(() => keeper.dispose());

  it(
    'that says anything finds the keeper unmoved',
    async () => {
      await keeper.start();
      const pid = keeper.pid();
      const lines = fc.oneof(
        mutatedText(...requestLines),
        mutatedBytes(...requestLines),
        ...requests.map((request) => mutatedValue(request).map((value) => JSON.stringify(value))),
      );
      let client = await keeper.dial();
      let said = 0;
      await holds(lines, 3000, async (line) => {
        await client.write(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
        // Now and then one client goes in the middle of a line.
        if (++said % 300 !== 0) return;
        await client.write(line);
        client.hangUp();
        client = await keeper.dial();
        strictEqual((await client.ask({ op: 'hello', version: protocolVersion })).pid, pid);
      });
      strictEqual((await (await keeper.dial()).ask({ op: 'hello', version: protocolVersion })).pid, pid);
      deepStrictEqual(keeper.ownLog(), '');
    },
    patience,
  );
});

const answers = [
  { id: 1, ok: { version: protocolVersion, pid: 4_194_304, logs: [], held: [] } },
  { id: 1, ok: null },
  { id: 1, error: { code: 'FAILED', message: 'why' } },
  { event: 'logEnded', key: 'web.a-1' },
  { event: 'outputLost', key: 'web.a-1', message: 'why' },
];
const answerLines = answers.map((answer) => JSON.stringify(answer));
const junk = fc.oneof(
  mutatedText(...answerLines),
  mutatedBytes(...answerLines),
  ...answers.map((answer) => mutatedValue(answer).map((value) => JSON.stringify(value))),
);

/** Somebody at the keeper's socket. What comes before each true answer is for the test to say. */
interface FakeKeeper {
  readonly runDir: string;
  readonly socket: string;
  /** Said before the answer to anything but `hello`. */
  say: string | Buffer;
  close(): Promise<void>;
}

async function fakeKeeper(): Promise<FakeKeeper> {
  const runDir = mkdtempSync(join(tmpdir(), 'hob-fake-'));
  mkdirSync(runDir, { recursive: true });
  const sockets = new Set<Socket>();
  const fake = { runDir, socket: join(runDir, keeperFiles.socket), say: '' as string | Buffer, close };
  const hello = { version: protocolVersion, pid: 4_194_304, logs: [], held: [] };

  function answer(socket: Socket, line: string): void {
    const { id, op } = JSON.parse(line) as { id: number; op: string };
    if (op === 'hello') return void socket.write(`${JSON.stringify({ id, ok: hello })}\n`);
    socket.write(Buffer.concat([Buffer.from(fake.say), Buffer.from('\n')]));
    // Nothing waits for longer than this, whatever became of what was said before.
    socket.write(`${JSON.stringify({ id, error: { code: 'FAILED', message: 'enough' } })}\n`);
  }

  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on(
      'data',
      lineReader(
        (line) => answer(socket, line),
        () => undefined,
        1e9,
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(fake.socket, resolve));

  async function close(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
    rmSync(runDir, { recursive: true });
  }

  return fake;
}

describe('a keeper that says anything', () => {
  let fake: FakeKeeper;
  const uncaught: unknown[] = [];
  const notice = (error: unknown): void => void uncaught.push(error);

  beforeEach(async () => {
    uncaught.length = 0;
    process.on('uncaughtExceptionMonitor', notice);
    fake = await fakeKeeper();
  });
  afterEach(async () => {
    process.off('uncaughtExceptionMonitor', notice);
    await fake.close();
  });

  it(
    'is heard as far as it makes sense, and what was asked has an answer or fails in words',
    () =>
      holds(junk, 2000, async (said) => {
        const keys: unknown[] = [];
        fake.say = said;
        const onLogEnded = (key: string): void => void keys.push(key);
        const onOutputLost = (key: string, message: string): void => void keys.push(key, message);
        const connection = await connectTo(fake.socket, { onLogEnded, onOutputLost, onHang: () => undefined });
        const error = await connection
          ?.ask({ op: 'drainLog', key: 'k' }, 60_000)
          .answer.catch((failure: unknown) => failure);
        if (error instanceof Error) strictEqual(typeof error.message, 'string');
        connection?.end(keeperError('CLOSED', 'the end'));
        await connection?.ended;
        for (const key of keys) strictEqual(typeof key, 'string');
        deepStrictEqual(uncaught, []);
      }),
    patience,
  );

  it(
    'leaves its client with a keeper, by itself or after it has connected anew',
    () =>
      holds(junk, 60, async (said) => {
        fake.say = said;
        const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
        const keeper = await connectKeeper({ runDir: fake.runDir, log: quiet });
        keeper.onLogEnded((key) => strictEqual(typeof key, 'string'));
        for (const ask of [
          () => keeper.start({ argv: ['true'] }),
          () => keeper.run({ argv: ['true'], timeoutMs: 60_000 }),
        ]) {
          const outcome = await ask().catch((error: unknown) => error);
          if (outcome instanceof Error) strictEqual(typeof outcome.message, 'string');
        }
        await keeper.close();
        deepStrictEqual(uncaught, []);
      }),
    patience,
  );
});

it(
  'an answer to hello is one that can be believed, or none',
  () => {
    const held = { key: 'k', fds: [3], started: { pid: 7, fds: [3] } };
    return holds(mutatedValue({ version: 2, pid: 12, logs: ['a'], held: [held] }), 3000, (answer) => {
      if (!isHello(answer)) return;
      ok(Number.isInteger(answer.pid) && answer.pid > 0 && typeof answer.version === 'number');
      for (const { key, fds, started } of answer.held ?? [])
        ok(typeof key === 'string' && [...fds, ...(started?.fds ?? [])].every((fd) => Number.isInteger(fd) && fd >= 0));
    });
  },
  patience,
);
