import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mkfifo } from '../../src/host/libc.ts';
import { keeperPid, killKeeper } from '../../src/runtime/keeper/process.ts';
import { connectKeeper, type Keeper, type KeeperOptions, type LogRequest } from '../../src/runtime/keeper-client.ts';
import { pipe, readNow } from '../support/descriptors.ts';
import { compileCache, outputOf, read } from '../support/keeper.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

process.env['NODE_COMPILE_CACHE'] ??= compileCache;

let dir: string;
let messages: string[];
let keepers: Keeper[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-client-'));
  messages = [];
  keepers = [];
});

afterEach(async () => {
  for (const keeper of keepers) await keeper.close();
  // Again and again: one that was started beside another may only now find out that it is needed.
  await until('the keeper has gone', () => {
    killKeeper(file('run'), keeperPid(file('run')));
    return !isAlive(keeperPid(file('run')));
  });
  rmSync(dir, { recursive: true });
});

async function connected(options: Partial<KeeperOptions> = {}): Promise<Keeper> {
  const note = (message: string): void => void messages.push(message);
  const log = { info: note, warn: note, error: note };
  const keeper = await connectKeeper({ runDir: join(dir, 'run'), log, ...options });
  keepers.push(keeper);
  return keeper;
}

const file = (name: string): string => join(dir, name);
const shell = (script: string): string[] => ['sh', '-c', script];
/** Until it is released, or the test is over. */
const hold = (name: string): string => `while [ -e ${dir} ] && ! [ -e ${file(name)} ]; do sleep 0.01; done`;
const release = (name: string): void => writeFileSync(file(name), '');
function anError(code: string, message = ''): Error {
  const error: Error = expect.objectContaining({ code, message: expect.stringContaining(message) });
  return error;
}

function logRequest(key: string): LogRequest {
  const fifo = file(`${key}.fifo`);
  mkfifo(fifo, 0o600);
  return {
    key,
    streams: [{ fifo, stream: 'stdout' }],
    path: file(`${key}.log`),
    maxSizeBytes: 10_000_000,
    maxFiles: 3,
  };
}

const outputIn = (log: LogRequest): string =>
  existsSync(log.path) ? outputOf(readFileSync(log.path), 'stdout').toString() : '';

async function killed(keeper: Keeper): Promise<void> {
  const { pid } = keeper;
  process.kill(pid, 'SIGKILL');
  await until('another keeper is there', () => keeper.pid !== pid);
}

describe('a client', () => {
  it('starts a keeper where there is none, out of its own session', async () => {
    const keeper = await connected();
    const [, , , , group, session] = read(`/proc/${keeper.pid}/stat`).split(' ');
    expect([group, session]).toEqual([String(keeper.pid), String(keeper.pid)]);
    expect(await keeper.run({ argv: ['echo', 'hello'], timeoutMs: 20_000 })).toMatchObject({
      code: 0,
      stdout: 'hello\n',
    });
  });

  it('leaves the keeper running, and finds it again', async () => {
    const first = await connected();
    const { pid } = first;
    await first.close();
    expect((await connected()).pid).toBe(pid);
  });

  it('shares one keeper with another that comes at the same time', async () => {
    const [first, second] = await Promise.all([connected(), connected()]);
    expect(first.pid).toBe(second.pid);
  });

  it('answers nothing after it was closed', async () => {
    const keeper = await connected();
    await keeper.close();
    await expect(keeper.start({ argv: ['true'] })).rejects.toThrow(anError('CLOSED'));
    await expect(keeper.drainLog('a')).rejects.toThrow(anError('CLOSED'));
  });

  it('rejects what waits for an answer when it is closed', async () => {
    const keeper = await connected();
    const run = keeper.run({ argv: shell(hold('go')), timeoutMs: 20_000 });
    const rejected = expect(run).rejects.toThrow(anError('CLOSED'));
    await keeper.close();
    await rejected;
    release('go');
  });

  it('hands on what the system says', async () => {
    const keeper = await connected();
    await expect(keeper.start({ argv: ['no-such-program'] })).rejects.toThrow(anError('ENOENT', 'no-such-program'));
    const log = { ...logRequest('a'), streams: [{ fifo: '/no/fifo', stream: 'stdout' as const }] };
    await expect(keeper.attachLog(log)).rejects.toThrow(anError('ENOENT', '/no/fifo'));
  });

  it('has a program killed that nobody waits for any more', async () => {
    const keeper = await connected();
    const abort = new AbortController();
    const run = keeper.run(
      { argv: shell(`echo $$ >${file('pid')}; exec sleep 1000`), timeoutMs: 60_000 },
      abort.signal,
    );
    await until('it runs', () => read(file('pid')) !== '');
    abort.abort(new Error('no longer wanted'));
    await expect(run).rejects.toThrow('no longer wanted');
    expect(isAlive(Number(read(file('pid'))))).toBe(false);
  });

  it('runs nothing when it is no longer wanted to begin with', async () => {
    const keeper = await connected();
    await expect(
      keeper.run({ argv: ['touch', file('ran')], timeoutMs: 1000 }, AbortSignal.abort(new Error('no'))),
    ).rejects.toThrow('no');
    expect(existsSync(file('ran'))).toBe(false);
  });

  it('tells when a log has ended', async () => {
    const keeper = await connected();
    const ended: string[] = [];
    const stopListening = keeper.onLogEnded((key) => ended.push(key));
    for (const key of ['a', 'b']) {
      const log = logRequest(key);
      await keeper.attachLog(log);
      await keeper.start({ argv: ['echo', key], stdout: log.streams[0]!.fifo });
      await until('it is in the log', () => outputIn(log) === `${key}\n`);
      if (key === 'a') await until('its end is told', () => ended.length === 1);
      stopListening();
    }
    expect(ended).toEqual(['a']);
  });
});

describe('when the keeper is killed', () => {
  it('there is another at once, and it has the logs', async () => {
    const keeper = await connected();
    const log = logRequest('a');
    await keeper.attachLog(log);
    await keeper.start({
      argv: shell(`echo one; ${hold('go')}; echo two; ${hold('end')}`),
      stdout: log.streams[0]!.fifo,
    });
    await until('the first line is there', () => outputIn(log) === 'one\n');
    await killed(keeper);
    release('go');
    await until('the second line is there', () => outputIn(log) === 'one\ntwo\n');
    release('end');
    await keeper.drainLog('a');
    expect(messages).toEqual([
      expect.stringMatching(/keeper \(pid \d+\) is lost/),
      expect.stringMatching(/has taken over/),
    ]);
  });

  it('what was in flight is lost, and what comes next is not', async () => {
    const keeper = await connected();
    const run = keeper.run({ argv: shell(`touch ${file('runs')}; ${hold('go')}`), timeoutMs: 60_000 });
    const lost = expect(run).rejects.toThrow(anError('KEEPER_LOST'));
    await until('it runs', () => existsSync(file('runs')));
    process.kill(keeper.pid, 'SIGKILL');
    const next = keeper
      .run({ argv: ['echo', 'next'], timeoutMs: 20_000 })
      .catch(() => keeper.run({ argv: ['echo', 'next'], timeoutMs: 20_000 }));
    await lost;
    expect(await next).toMatchObject({ stdout: 'next\n' });
    release('go');
  });

  it('what may be run twice is run by the next', async () => {
    const keeper = await connected();
    const script = `echo run >>${file('repeated')}; [ -e ${file('once')} ] || { touch ${file('once')}; ${hold('never')}; }`;
    const run = keeper.run({ argv: shell(script), timeoutMs: 60_000 }, undefined, { repeatable: true });
    await until('it runs', () => existsSync(file('once')));
    process.kill(keeper.pid, 'SIGKILL');
    expect(await run).toMatchObject({ code: 0 });
    expect(readFileSync(file('repeated'), 'utf8')).toBe('run\nrun\n');
  });

  it('logs are attached and drained as if nothing had happened', async () => {
    const keeper = await connected();
    const [first, second] = [logRequest('a'), logRequest('b')];
    await keeper.attachLog(first);
    await keeper.start({ argv: ['echo', 'out'], stdout: first.streams[0]!.fifo });
    process.kill(keeper.pid, 'SIGKILL');
    await Promise.all([keeper.drainLog('a'), keeper.attachLog(second)]);
    expect(outputIn(first)).toBe('out\n');
    await keeper.start({ argv: ['echo', 'out'], stdout: second.streams[0]!.fifo });
    await until('the output is in the log', () => outputIn(second) === 'out\n');
  });

  it('what a container said that ended meanwhile is not lost', async () => {
    const keeper = await connected();
    const log = logRequest('a');
    await keeper.attachLog(log);
    process.kill(keeper.pid, 'SIGSTOP');
    const { promise: written, resolve } = Promise.withResolvers<void>();
    spawn('sh', ['-c', `echo last words 1<>${log.streams[0]!.fifo}`]).once('exit', () => resolve());
    await written;
    await killed(keeper);
    await keeper.drainLog('a');
    expect(outputIn(log)).toBe('last words\n');
  });

  it('again and again, there is always another in the end', async () => {
    const keeper = await connected();
    for (let kill = 0; kill < 5; kill++) await killed(keeper);
    expect(await keeper.run({ argv: ['echo', 'still here'], timeoutMs: 20_000 })).toMatchObject({ code: 0 });
  });
});

describe('a keeper that hangs', () => {
  it('over a request is killed and replaced', async () => {
    const keeper = await connected();
    const { pid } = keeper;
    process.kill(pid, 'SIGSTOP');
    await expect(keeper.start({ argv: ['true'] })).rejects.toThrow(
      anError('KEEPER_LOST', 'has not answered to start within 10 s'),
    );
    expect(await keeper.run({ argv: ['true'], timeoutMs: 20_000 })).toMatchObject({ code: 0 });
    expect(isAlive(pid)).toBe(false);
    expect(messages).toContainEqual(expect.stringContaining(`its process ${pid} is killed and replaced`));
  });

  it('before it says hello is killed and replaced', async () => {
    const first = await connected();
    const { pid } = first;
    await first.close();
    process.kill(pid, 'SIGSTOP');
    expect((await connected()).pid).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('and has lost its socket is killed and replaced', async () => {
    const first = await connected();
    const { pid } = first;
    await first.close();
    process.kill(pid, 'SIGSTOP');
    rmSync(file('run/keeper.sock'));
    expect((await connected()).pid).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('is killed only if it is a keeper', async () => {
    expect(killKeeper(file('run'), process.pid)).toBe(false);
    const keeper = await connected();
    expect(killKeeper(file('other-run'), keeper.pid)).toBe(false);
    expect(await keeper.run({ argv: ['true'], timeoutMs: 20_000 })).toMatchObject({ code: 0 });
  });
});

/** A keeper of an older protocol, up to the end of its retirement. Answers what it was asked. */
function oldKeeper(hello: object, onRetire = (): void => undefined): unknown[] {
  mkdirSync(file('run'));
  const asked: unknown[] = [];
  const old = createServer((socket) => {
    socket.on('data', (line) => {
      const { id, op } = JSON.parse(line.toString()) as { id: number; op: string };
      asked.push(op);
      socket.write(`${JSON.stringify({ id, ok: { version: 0, pid: 1, logs: [], ...hello } })}\n`);
      if (op !== 'retire') return;
      onRetire();
      socket.end();
      old.close();
    });
  }).listen(file('run/keeper.sock'));
  return asked;
}

it('a keeper of another version is asked to retire, and replaced', async () => {
  const asked = oldKeeper({});
  const keeper = await connected();
  expect(asked).toEqual(['hello', 'retire']);
  expect(keeper.pid).toBeGreaterThan(1);
  expect(messages).toEqual([expect.stringContaining('speaks version 0 of the protocol, not 3')]);
});

it('what a keeper of another version holds is taken over by the next, until it is released', async () => {
  const [reader, writer] = pipe();
  oldKeeper({ pid: process.pid, held: [{ key: 'k', fds: [writer] }] }, () => closeSync(writer));
  const keeper = await connected();
  expect(keeper.pid).not.toBe(process.pid);
  expect(readNow(reader)).toBeUndefined();
  await keeper.release('k');
  expect(readNow(reader)).toBe('');
  expect(messages).toHaveLength(1);
  closeSync(reader);
});

it('what cannot be taken over of a keeper is told, and the rest is taken over', async () => {
  const [reader, writer] = pipe();
  const held = [
    { key: 'gone', fds: [writer, 99999] },
    { key: 'k', fds: [writer] },
  ];
  oldKeeper({ pid: process.pid, held }, () => closeSync(writer));
  const keeper = await connected();
  expect(messages.slice(1)).toEqual([expect.stringMatching(/held for gone are lost: .*99999.*EBADF/)]);
  await keeper.release('k');
  expect(readNow(reader)).toBe('');
  closeSync(reader);
});

it('a keeper that is killed while it starts is started again', async () => {
  const once = file('once.mjs');
  writeFileSync(
    once,
    `import { existsSync, writeFileSync } from 'node:fs';
    if (!existsSync('${file('killed')}')) {
      writeFileSync('${file('killed')}', '');
      process.kill(process.pid, 'SIGKILL');
    }`,
  );
  const keeper = await connected({ nodeArgs: ['--import', once] });
  expect(existsSync(file('killed'))).toBe(true);
  expect(await keeper.run({ argv: ['true'], timeoutMs: 20_000 })).toMatchObject({ code: 0 });
  expect(messages).toEqual([expect.stringMatching(/the keeper does not start \(SIGKILL\); .*trying again/)]);
});

describe('an error says what to do when', () => {
  it('no keeper can be started', async () => {
    await expect(connected({ nodeArgs: ['--no-such-option'] })).rejects.toThrow(
      /the keeper does not start \(exit code 9\); its log ends in: .*--no-such-option/s,
    );
  });

  it('the path of the run directory is too long', async () => {
    await expect(connected({ runDir: file('x'.repeat(120)) })).rejects.toThrow(
      /too long a path.*choose a shorter one/s,
    );
  });
});
