import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRuns } from '../../src/keeper/runs.ts';
import { read, testKeeper, type Dialogue, type TestKeeper } from '../support/keeper.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let keeper: TestKeeper;
let client: Dialogue;

beforeEach(async () => {
  keeper = testKeeper();
  // Whoever starts hob may leave descriptors open.
  await keeper.start({ shell: `exec bash -c 'exec 9</dev/null 77</dev/null; exec "$@"' bash "$@"` });
  client = await keeper.dial();
});

afterEach(() => keeper.dispose());

const file = (name: string): string => join(keeper.dir, name);
const shell = (script: string): string[] => ['sh', '-c', script];
const run = (script: string, change: object = {}) =>
  client.ask({ op: 'run', argv: shell(script), timeoutMs: 20_000, ...change });

describe('a process that is started', () => {
  it('runs when its pid is answered, in a session of its own', async () => {
    const { pid } = await client.ask({ op: 'start', argv: ['sleep', '1000'] });
    const [, , , , group, session] = read(`/proc/${pid}/stat`).split(' ');
    expect(read(`/proc/${pid}/cmdline`)).toBe('sleep\x001000\0');
    expect([group, session]).toEqual([String(pid), String(pid)]);
    process.kill(pid, 'SIGKILL');
  });

  it('has its FIFOs, /dev/null, and no other descriptor', async () => {
    const [stdout, stderr] = [keeper.fifo('out'), keeper.fifo('err')];
    const { pid } = await client.ask({ op: 'start', argv: ['sleep', '1000'], stdout, stderr });
    const { stdout: list } = await run(`cd /proc/${pid}/fd; for fd in *; do echo $fd $(readlink $fd); done`);
    expect(list.trim().split('\n')).toEqual(['0 /dev/null', `1 ${stdout}`, `2 ${stderr}`]);
    process.kill(pid, 'SIGKILL');
  });

  it('has PATH and what it was given as its environment', async () => {
    await client.ask({
      op: 'start',
      argv: ['sh', '-c', `env >${file('env')}; mv ${file('env')} ${file('done')}`],
      env: { A: 'b' },
    });
    await until('the environment is written', () => existsSync(file('done')));
    const names = readFileSync(file('done'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]);
    expect(names.toSorted()).toEqual(['A', 'PATH', 'PWD']);
  });

  it('goes on when the keeper is killed, and can still write', async () => {
    const stdout = keeper.fifo('out');
    const script = `while ! [ -e ${file('go')} ]; do sleep 0.01; done; echo x; echo $? >${file('written')}`;
    await client.ask({ op: 'start', argv: shell(script), stdout });
    await keeper.kill();
    writeFileSync(file('go'), '');
    await until('it has written', () => read(file('written')) === '0\n');
  });

  it.each([
    ['a program that is not there', { argv: ['no-such-program'] }, 'ENOENT', 'no-such-program'],
    ['a file that is no program', { argv: ['/proc/version'] }, 'EACCES', '/proc/version'],
    [
      'a directory that is not there',
      { argv: ['true'], cwd: '/no/dir' },
      'ENOENT',
      'its directory /no/dir does not exist',
    ],
    ['a FIFO that is not there', { argv: ['true'], stdout: '/no/fifo' }, 'ENOENT', '/no/fifo'],
    ['too long a command line', { argv: ['true', 'x'.repeat(200_000)] }, 'E2BIG', 'E2BIG'],
  ])('with %s is an error', async (_, request, code, message) => {
    await expect(client.ask({ op: 'start', ...request })).rejects.toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('a program that is run', () => {
  it('answers its exit code and output', async () => {
    expect(await run('echo out; echo err >&2; exit 3')).toMatchObject({
      code: 3,
      signal: null,
      stdout: 'out\n',
      stderr: 'err\n',
      timedOut: false,
      truncated: false,
    });
  });

  it('answers the signal that ended it', async () => {
    expect(await run('kill -TERM $$')).toMatchObject({ code: null, signal: 'SIGTERM' });
  });

  it('reads its stdin to the end, however long', async () => {
    const stdin = `${'ü'.repeat(500_000)}\n`;
    expect((await run('wc -c', { stdin })).stdout.trim()).toBe('1000001');
  });

  it('need not read its stdin', async () => {
    expect(await run('exit 0', { stdin: 'x'.repeat(500_000) })).toMatchObject({ code: 0 });
  });

  it('can open its own streams by name', async () => {
    const result = await run('cat /dev/stdin >/dev/stdout; echo err >/dev/stderr', { stdin: 'in' });
    expect(result).toMatchObject({ code: 0, stdout: 'in', stderr: 'err\n' });
  });

  it('is killed with all that it started when its time is over', async () => {
    const result = await run(`sleep 1000 & echo $! >${file('grandchild')}; wait`, { timeoutMs: 300 });
    expect(result).toMatchObject({ code: null, signal: 'SIGKILL', timedOut: true });
    const grandchild = Number(read(file('grandchild')));
    await until('the grandchild has gone', () => !isAlive(grandchild));
  });

  it('has ended when it has, though a grandchild holds its output', async () => {
    const result = await run(`sleep 1000 & echo $!`);
    expect(result).toMatchObject({ code: 0, timedOut: false });
    process.kill(Number(result.stdout), 'SIGKILL');
  });

  it('has its output cut where it gets too long, and runs on', async () => {
    const result = await run('seq 1 100000; exit 4', { maxOutputBytes: 6 });
    expect(result).toMatchObject({ code: 4, stdout: '1\n2\n3\n', truncated: true });
  });

  it('may write without end, and the keeper stays as small as it is', async () => {
    const size = (): number => Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${keeper.pid()}/status`))?.[1]);
    const before = size();
    expect(await run('yes', { timeoutMs: 2000, maxOutputBytes: 6 })).toMatchObject({ timedOut: true, truncated: true });
    expect(size() - before).toBeLessThan(16 * 1024);
  });

  it('is killed when it is cancelled', async () => {
    const { id, answer } = client.send({
      op: 'run',
      argv: shell(`echo $$ >${file('pid')}; exec sleep 1000`),
      timeoutMs: 60_000,
    });
    await until('it runs', () => read(file('pid')) !== '');
    await client.ask({ op: 'cancel', request: id });
    await expect(answer).rejects.toThrow(expect.objectContaining({ code: 'CANCELLED' }));
    expect(isAlive(Number(read(file('pid'))))).toBe(false);
  });

  it('ends with the client that asked for it, if it is to, and with no other', async () => {
    const [other, stays] = [await keeper.dial(), await keeper.dial()];
    const ask = (who: Dialogue, name: string, endsWithClient: boolean): unknown =>
      who.send({ op: 'run', argv: shell(`echo $$ >${file(name)}; sleep 1000`), timeoutMs: 60_000, endsWithClient });
    const pid = (name: string): number => Number(read(file(name)));
    ask(other, 'ends', true);
    ask(other, 'goes-on', false);
    ask(stays, 'of-another', true);
    await until('they run', () => ['ends', 'goes-on', 'of-another'].every((name) => pid(name) > 0));
    other.hangUp();
    await until('it has ended', () => !isAlive(pid('ends')));
    expect([pid('goes-on'), pid('of-another')].map(isAlive)).toEqual([true, true]);
    for (const name of ['goes-on', 'of-another']) process.kill(-pid(name), 'SIGKILL');
  });

  it('is ended by its time limit when the client is gone', async () => {
    client.send({ op: 'run', argv: shell(`echo $$ >${file('pid')}; exec sleep 1000`), timeoutMs: 1000 });
    await until('it runs', () => read(file('pid')) !== '');
    client.hangUp();
    await until('it has ended', () => !isAlive(Number(read(file('pid')))));
  });

  it('that cannot be started is an error', async () => {
    await expect(client.ask({ op: 'run', argv: ['no-such-program'], timeoutMs: 1000 })).rejects.toThrow(
      expect.objectContaining({ code: 'ENOENT' }),
    );
  });

  it('leaves no descriptor open in the keeper, whatever became of it', async () => {
    const descriptors = async (): Promise<string> =>
      (await run(`sleep 0.1; ls /proc/${keeper.pid()}/fd | wc -l`)).stdout;
    const before = await descriptors();
    for (let i = 0; i < 20; i++) {
      await run('cat', { stdin: 'x' });
      await client.ask({ op: 'run', argv: ['no-such-program'], stdin: 'x', timeoutMs: 1000 }).catch(() => undefined);
      await client.ask({ op: 'start', argv: ['no-such-program'], stdout: '/dev/null' }).catch(() => undefined);
    }
    expect(await descriptors()).toBe(before);
  });
});

/** Nothing else of this process happens meanwhile, timers neither. */
function untilOver(time: number): void {
  while (performance.now() <= time) continue;
}

describe('when as many programs run as may', () => {
  const unrecorded = { begin: () => ({ env: {}, forget: () => undefined }) };
  const never = new AbortController().signal;
  const request = (script: string, timeoutMs = 20_000) => ({ argv: shell(script), timeoutMs });

  it('the next come in their order', async () => {
    const runs = createRuns(unrecorded, 1);
    const order: number[] = [];
    const one = async (number: number) => order.push(Number((await runs.run(request(`echo ${number}`), never)).stdout));
    await Promise.all([1, 2, 3, 4].map(one));
    expect(order).toEqual([1, 2, 3, 4]);
    expect(runs.count()).toBe(0);
  });

  it('one whose turn does not come in time is refused, and nothing is run', async () => {
    const runs = createRuns(unrecorded, 1);
    const first = runs.run(request(`while ! [ -e ${file('go')} ]; do sleep 0.01; done`), never);
    await expect(runs.run(request(`touch ${file('ran')}`, 50), never)).rejects.toThrow(
      expect.objectContaining({ code: 'BUSY' }),
    );
    writeFileSync(file('go'), '');
    await first;
    expect([existsSync(file('ran')), runs.count()]).toEqual([false, 0]);
  });

  it('one whose turn comes too late, but before anybody noticed that, is refused all the same', async () => {
    let over = 0;
    const busyUntilThen = { env: {}, forget: () => untilOver(over) };
    const runs = createRuns({ begin: () => busyUntilThen }, 1);
    const first = runs.run(request('true'), never);
    const second = runs.run(request(`touch ${file('ran')}`, 300), never);
    over = performance.now() + 300;
    await expect(second).rejects.toThrow(expect.objectContaining({ code: 'BUSY' }));
    await first;
    expect([existsSync(file('ran')), runs.count()]).toEqual([false, 0]);
  });

  it('one that waits can be cancelled', async () => {
    const runs = createRuns(unrecorded, 1);
    const first = runs.run(request(`while ! [ -e ${file('go')} ]; do sleep 0.01; done`), never);
    const abort = new AbortController();
    const second = runs.run(request('true'), abort.signal);
    abort.abort();
    await expect(second).rejects.toThrow(expect.objectContaining({ code: 'CANCELLED' }));
    writeFileSync(file('go'), '');
    await first;
  });
});

describe('a keeper that can write no file', () => {
  const openIn = (): string[] => {
    const fds = `/proc/${keeper.pid()}/fd`;
    return readdirSync(fds).map((fd) => readlinkOr(`${fds}/${fd}`));
  };
  const readlinkOr = (path: string): string => {
    try {
      return readlinkSync(path);
    } catch {
      return '';
    }
  };
  const mayWrite = (bytes: number | 'unlimited'): void =>
    void execFileSync('prlimit', ['--pid', String(keeper.pid()), `--fsize=${bytes}:unlimited`]);

  it('keeps nothing open for a program that did not get its stdin', async () => {
    mayWrite(0);
    await expect(run('cat', { stdin: 'hello' })).rejects.toThrow('EFBIG');
    mayWrite('unlimited');
    expect(openIn().filter((target) => target.includes('memfd:stdin'))).toEqual([]);
  });

  it('keeps nothing open of a buffer that it cannot have', async () => {
    mayWrite(0);
    await client.ask({ op: 'attachLog', ...keeper.log('web') });
    mayWrite('unlimited');
    expect(openIn().filter((target) => target.includes('unwritten'))).toEqual([]);
  });
});
