import { spawn } from 'node:child_process';
import { closeSync, openSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { protocolVersion } from '../../src/keeper/protocol.ts';
import { openIn, pipe, readNow, socketPair } from '../support/descriptors.ts';
import { read, testKeeper, type Dialogue, type TestKeeper } from '../support/keeper.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let keeper: TestKeeper;
let client: Dialogue;
let before: number;
const toEnd: number[] = [];

beforeEach(() => {
  keeper = testKeeper();
});

afterEach(async () => {
  for (const pid of toEnd.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  await keeper.dispose();
});

async function started(options?: Parameters<TestKeeper['start']>[0]): Promise<void> {
  await keeper.start(options);
  client = await keeper.dial();
  // Some of Node's own are opened at the first start.
  await client.ask({ op: 'run', argv: ['true'], timeoutMs: 20_000 });
  before = openIn(keeper.pid()).size;
}

/** Start a program with descriptors of this process. */
async function start(argv: string[], descriptors: object): Promise<number> {
  const { pid } = await client.ask({ op: 'start', argv, descriptors: { pid: process.pid, fds: [], ...descriptors } });
  toEnd.push(pid);
  return pid;
}

const held = async () => (await client.ask({ op: 'hello', version: protocolVersion })).held?.map(({ key }) => key);
const linkOf = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`);

describe('descriptors of another process', () => {
  it('become 3, 4, ... in the order told, the same one twice too, and stdin; nothing of it stays open in the keeper', async () => {
    await started();
    const fds = [...pipe(), ...socketPair(), openSync('/proc/version', 'r')];
    const names = fds.map(linkOf);
    const pid = await start(['sleep', '1000'], { fds: [...fds, fds[0]], stdin: fds[4] });
    fds.forEach((fd) => closeSync(fd));
    const open = openIn(pid);
    expect([3, 4, 5, 6, 7, 8].map((fd) => open.get(fd))).toEqual([...names, names[0]]);
    expect([open.get(0), open.size]).toEqual(['/proc/version', 9]);
    expect(openIn(keeper.pid()).size).toBe(before);
  });

  it('that are to be held stay open until they are released, when the process has ended and the client has gone', async () => {
    await started();
    const [reader, writer] = pipe();
    await start(['sh', '-c', 'echo said >&3'], { fds: [writer], hold: { key: 'k', fds: [writer] } });
    closeSync(writer);
    await until('it has said something', () => readNow(reader) === 'said\n');
    client.hangUp();
    client = await keeper.dial();
    expect(await held()).toEqual(['k']);
    expect(readNow(reader)).toBeUndefined();
    for (let times = 0; times < 2; times++) await client.ask({ op: 'release', key: 'k' });
    expect([await held(), readNow(reader)]).toEqual([[], '']);
    closeSync(reader);
  });

  it('are held once, when the same start is made again', async () => {
    await started();
    const [reader, writer] = pipe();
    for (let times = 0; times < 3; times++)
      await start(['true'], { fds: [reader, writer], hold: { key: 'k', fds: [writer] } });
    expect([await held(), openIn(keeper.pid()).size]).toEqual([['k'], before + 1]);
    [reader, writer].forEach((fd) => closeSync(fd));
  });

  it('keep an idle keeper, as long as it holds any', async () => {
    await started({ idleSeconds: 0.2 });
    const fd = openSync('/dev/null', 'r');
    await start(['true'], { fds: [fd], hold: { key: 'k', fds: [fd] } });
    closeSync(fd);
    client.hangUp();
    const { promise, resolve } = Promise.withResolvers();
    spawn('sleep', ['1']).once('exit', resolve); // long enough for a keeper that goes too early to be gone
    await promise;
    expect(isAlive(keeper.pid())).toBe(true);
    client = await keeper.dial();
    await client.ask({ op: 'release', key: 'k' });
    client.hangUp();
    await keeper.gone();
  });
});

describe('what a keeper holds', () => {
  it('can be taken over from the process that says hello with it', async () => {
    await started();
    const [reader, writer] = pipe();
    await client.ask({ op: 'hold', key: 'k', pid: process.pid, fds: [writer] });
    closeSync(writer);
    expect([await held(), readNow(reader)]).toEqual([['k'], undefined]);
    await client.ask({ op: 'release', key: 'k' });
    expect([await held(), readNow(reader), openIn(keeper.pid()).size]).toEqual([[], '', before]);
    await expect(client.ask({ op: 'hold', key: 'k', pid: process.pid, fds: [99999] })).rejects.toThrow(
      expect.objectContaining({ code: 'EBADF' }),
    );
    closeSync(reader);
  });

  it('is named in its log when it is told to end, and nothing is when it holds nothing', async () => {
    await started();
    const fd = openSync('/dev/null', 'r');
    await client.ask({ op: 'hold', key: 'k', pid: process.pid, fds: [fd] });
    closeSync(fd);
    await keeper.kill('SIGTERM');
    expect(keeper.ownLog()).toMatch(/told to end \(SIGTERM\), and lets go of descriptors that it holds for k$/m);
    const length = keeper.ownLog().length;
    await started();
    await keeper.kill('SIGTERM');
    expect(keeper.ownLog()).toHaveLength(length);
  });
});

describe('a start whose descriptors cannot be had is an error, holds nothing, and leaves nothing open: of', () => {
  let fd: number;
  beforeEach(() => {
    fd = openSync('/dev/null', 'r');
  });
  afterEach(() => closeSync(fd));

  async function expectRefused(argv: string[], descriptors: object, code: string, words: RegExp): Promise<void> {
    const hold = { key: 'k', fds: [fd] };
    const error: unknown = await start(argv, { hold, ...descriptors }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(words) });
    expect([await held(), openIn(keeper.pid()).size]).toEqual([[], before]);
  }

  it('one that is not open', async () => {
    await started();
    const words = new RegExp(`descriptor 99999 of process ${process.pid} cannot be had: it is not open there`);
    await expectRefused(['true'], { fds: [fd, 99999] }, 'EBADF', words);
  });

  it('a process that has ended', async () => {
    await started();
    const gone = spawn('true');
    await new Promise((resolve) => gone.once('close', resolve));
    await expectRefused(['true'], { pid: gone.pid, fds: [fd] }, 'ESRCH', /process \d+ cannot be asked.*it has ended/);
  });

  it('a process of another user', async () => {
    await started();
    const other = spawn('sleep', ['1000'], { uid: 65534 });
    await new Promise((resolve) => other.once('spawn', resolve));
    await expectRefused(['true'], { pid: other.pid, fds: [fd, 0] }, 'EPERM', /another user's/);
    other.kill('SIGKILL');
  });

  it('a host that does not allow it', async () => {
    await started({ shell: 'exec setpriv --bounding-set=-sys_ptrace "$@"' });
    await expectRefused(
      ['true'],
      { fds: [fd] },
      'EPERM',
      /this host does not allow it \(pidfd_getfd\); allow hob ptrace/,
    );
  });

  it('more than the keeper may have open', async () => {
    await started({ shell: 'ulimit -n 60; exec "$@"' });
    const fds = Array<number>(100).fill(fd);
    await expectRefused(['true'], { fds }, 'EMFILE', /too many files are open in the keeper/);
  });

  it('a program that is not there', async () => {
    await started();
    await expectRefused(['no-such-program'], { fds: [fd] }, 'ENOENT', /no-such-program cannot be started/);
  });

  it('a FIFO for its output that is not there', async () => {
    await started();
    const descriptors = { pid: process.pid, fds: [fd] };
    const asked = client.ask({ op: 'start', argv: ['true'], stdout: '/no/fifo', descriptors });
    await expect(asked).rejects.toThrow(expect.objectContaining({ code: 'ENOENT' }));
    expect(openIn(keeper.pid()).size).toBe(before);
  });
});

describe('a program that a keeper ran when it was killed', () => {
  it('is ended by the next keeper, with all that it started; one whose keeper lives is not, nor what was only started', async () => {
    await started();
    const pid = await start(['sleep', '1000'], {});
    const file = `${keeper.dir}/pids`;
    const script = `sleep 1000 & echo $$ $! >${file}.new; mv ${file}.new ${file}; wait`;
    client.send({ op: 'run', argv: ['sh', '-c', script], timeoutMs: 60_000 });
    await until('it runs', () => read(file) !== '');
    const pids = read(file).trim().split(' ').map(Number);
    toEnd.push(...pids);
    await keeper.startAnother();
    expect(pids.map(isAlive)).toEqual([true, true]);
    await keeper.kill();
    expect(pids.map(isAlive)).toEqual([true, true]);
    await keeper.start();
    await until('they have ended', () => !pids.some(isAlive));
    expect(isAlive(pid)).toBe(true);
  });
});
