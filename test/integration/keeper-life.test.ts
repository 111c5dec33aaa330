import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { protocolVersion } from '../../src/keeper/protocol.ts';
import { testKeeper, type Dialogue, type TestKeeper } from '../support/keeper.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let keeper: TestKeeper;

beforeEach(() => {
  keeper = testKeeper();
});

afterEach(() => keeper.dispose());

async function started(options?: Parameters<TestKeeper['start']>[0]): Promise<Dialogue> {
  await keeper.start(options);
  return keeper.dial();
}

const hello = { op: 'hello', version: protocolVersion } as const;
const socketPath = (): string => join(keeper.dir, 'keeper.sock');

describe('the keeper', () => {
  it('says who it is', async () => {
    const client = await started();
    expect(await client.ask(hello)).toEqual({ version: protocolVersion, pid: keeper.pid(), logs: [], held: [] });
  });

  it('lets only its own user in', async () => {
    await started();
    expect(statSync(socketPath()).mode & 0o777).toBe(0o600);
  });

  it('serves several clients, each its own answers', async () => {
    const [first, second] = [await started(), await keeper.dial()];
    const answers = await Promise.all(
      [first, second].map((client, at) => client.ask({ op: 'run', argv: ['echo', String(at)], timeoutMs: 20_000 })),
    );
    expect(answers.map(({ stdout }) => stdout)).toEqual(['0\n', '1\n']);
  });

  it('takes the place of one that died and left its socket and pid file', async () => {
    await keeper.start();
    await keeper.kill();
    expect(existsSync(socketPath())).toBe(true);
    const client = await started();
    expect((await client.ask(hello)).pid).toBe(keeper.pid());
  });

  it('leaves quietly when there is one already', async () => {
    const client = await started();
    const pid = keeper.pid();
    expect(await Promise.all([keeper.startAnother(), keeper.startAnother()])).toEqual([0, 0]);
    expect((await client.ask(hello)).pid).toBe(pid);
    expect((await (await keeper.dial()).ask(hello)).pid).toBe(pid);
    expect(keeper.ownLog()).toBe('');
  });

  it('is not ended by the signals of a terminal', async () => {
    const client = await started();
    const { pid } = await client.ask(hello);
    for (const signal of ['SIGHUP', 'SIGINT'] as const) process.kill(pid, signal);
    expect((await client.ask(hello)).pid).toBe(pid);
  });

  it('is ended by SIGTERM, and takes its socket along', async () => {
    await started();
    await keeper.kill('SIGTERM');
    expect(existsSync(socketPath())).toBe(false);
  });

  it('keeps nothing open that it was handed down', async () => {
    writeFileSync(join(keeper.dir, 'handed-down'), '');
    // Node itself sees to the low numbers when hob starts.
    await started({ shell: `exec bash -c 'exec 77<${keeper.dir}/handed-down; exec "$@"' bash "$@"` });
    expect(openFiles()).not.toContainEqual(expect.stringContaining('handed-down'));
  });
});

describe('an idle keeper', () => {
  it('goes by itself', async () => {
    const client = await started({ idleSeconds: 0.2 });
    client.hangUp();
    await keeper.gone();
  });

  it('that nobody ever called goes by itself', async () => {
    await keeper.start({ idleSeconds: 0.2 });
    await keeper.gone();
  });

  it('stays while it has a log, and goes when that ends', async () => {
    const client = await started({ idleSeconds: 0.2 });
    const log = keeper.log('a');
    await client.ask({ op: 'attachLog', ...log });
    const script = `while ! [ -e ${keeper.dir}/go ]; do sleep 0.01; done; echo out`;
    await client.ask({
      op: 'start',
      argv: ['sh', '-c', script],
      stdout: log.streams[0]!.fifo,
      stderr: log.streams[1]!.fifo,
    });
    client.hangUp();
    // Long enough for a keeper that goes too early to be gone.
    execFileSync('sleep', ['1']);
    expect(isAlive(keeper.pid())).toBe(true);
    writeFileSync(join(keeper.dir, 'go'), '');
    await keeper.gone();
    expect(keeper.records('a')).toEqual(['stdout F out']);
  });
});

describe('a keeper that is asked to retire', () => {
  it('leaves what is unread to the next', async () => {
    const client = await started();
    const log = keeper.log('a');
    await client.ask({ op: 'attachLog', ...log });
    const script = `echo before; while ! [ -e ${keeper.dir}/go ]; do sleep 0.01; done; echo between; touch ${keeper.dir}/said; sleep 1000`;
    const { pid } = await client.ask({ op: 'start', argv: ['sh', '-c', script], stdout: log.streams[0]!.fifo });
    await until('the first line is there', () => keeper.records('a').length > 0);
    await client.ask({ op: 'retire' });
    await keeper.gone();
    writeFileSync(join(keeper.dir, 'go'), '');
    await until('the next line is written', () => existsSync(join(keeper.dir, 'said')));
    const next = await started();
    await next.ask({ op: 'attachLog', ...log });
    await until('the next line is there', () => keeper.records('a').length > 1);
    expect(keeper.records('a')).toEqual(['stdout F before', 'stdout F between']);
    process.kill(-pid, 'SIGKILL');
  });

  it('lets what it runs come to its end first, and begins nothing new', async () => {
    const client = await started();
    const { answer } = client.send({
      op: 'run',
      argv: ['sh', '-c', `touch ${keeper.dir}/runs; while ! [ -e ${keeper.dir}/go ]; do sleep 0.01; done; echo ended`],
      timeoutMs: 20_000,
    });
    await until('it runs', () => existsSync(join(keeper.dir, 'runs')));
    await client.ask({ op: 'retire' });
    await expect(client.ask({ op: 'start', argv: ['true'] })).rejects.toThrow(
      expect.objectContaining({ code: 'RETIRING' }),
    );
    writeFileSync(join(keeper.dir, 'go'), '');
    expect(await answer).toMatchObject({ stdout: 'ended\n' });
    await keeper.gone();
  });
});

describe('a client that talks nonsense', () => {
  it('is told so, and can go on', async () => {
    const client = await started();
    await client.write('nonsense\n{"id":1}\n\n[]\n');
    await until('it is told', () => client.received.length === 4);
    expect(client.received.map((answer) => 'error' in answer && answer.error.code)).toEqual(
      Array(4).fill('INVALID_REQUEST'),
    );
    expect((await client.ask(hello)).version).toBe(protocolVersion);
  });

  it('and goes in the middle of a line hurts nobody', async () => {
    const client = await started();
    await client.write('{"id":1,"op":"hel');
    client.hangUp();
    expect((await (await keeper.dial()).ask(hello)).version).toBe(protocolVersion);
  });

  it('and sends a line without end is told so and cut off, before it fills the memory', async () => {
    const client = await started();
    const piece = Buffer.alloc(1024 * 1024, 'x');
    for (let sent = 0; sent < 100; sent++) void client.write(piece);
    await client.closed;
    expect(client.received).toEqual([{ id: null, error: expect.objectContaining({ code: 'INVALID_REQUEST' }) }]);
    expect(residentMegabytes()).toBeLessThan(120);
    expect((await (await keeper.dial()).ask(hello)).version).toBe(protocolVersion);
  });

  it('and takes no answers is cut off, before it fills the memory', async () => {
    const client = await started();
    const other = await keeper.dial();
    const request = JSON.stringify({
      id: 1,
      op: 'run',
      argv: ['head', '-c', '1000000', '/dev/zero'],
      timeoutMs: 20_000,
    });
    client.pause();
    for (let sent = 0; sent < 40; sent++) await client.write(`${request}\n`);
    await until('it is cut off', () => connections() === 1);
    expect((await other.ask(hello)).version).toBe(protocolVersion);
  });
});

describe('a keeper that is out of descriptors', () => {
  it('says so to those who ask for more, and works on when there are some again', async () => {
    const client = await started({ shell: 'ulimit -n 40; exec "$@"' });
    const keys = Array.from({ length: 30 }, (_, at) => `log${at}`);
    const outcomes = await Promise.allSettled(keys.map((key) => client.ask({ op: 'attachLog', ...keeper.log(key) })));
    const failed = outcomes.filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(5);
    for (const outcome of failed) expect(outcome).toMatchObject({ reason: { code: 'EMFILE' } });
    await expect(client.ask({ op: 'run', argv: ['true'], timeoutMs: 20_000 })).rejects.toThrow(
      expect.objectContaining({ code: 'EMFILE' }),
    );
    for (const key of keys) await client.ask({ op: 'drainLog', key });
    expect(await client.ask({ op: 'run', argv: ['true'], timeoutMs: 20_000 })).toMatchObject({ code: 0 });
  });
});

/** How many clients the keeper has; the other socket is the one that it listens on. */
function connections(): number {
  return openFiles().filter((target) => target.startsWith('socket:')).length - 1;
}

/** What the keeper has open. */
function openFiles(): string[] {
  const dir = `/proc/${keeper.pid()}/fd`;
  return readdirSync(dir).flatMap((fd) => {
    try {
      return [readlinkSync(join(dir, fd))];
    } catch {
      return []; // closed just now
    }
  });
}

function residentMegabytes(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${keeper.pid()}/status`, 'utf8'))?.[1]) / 1024;
}
