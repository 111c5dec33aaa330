import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mkfifo } from '../../src/host/libc.ts';
import type { Launch } from '../../src/runtime/runtime.ts';
import { openIn, pipe, readNow, socketPair, socketTo } from '../support/descriptors.ts';
import { never, testRuntime, type LaunchChange, type TestRuntime } from '../support/runtime.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let test: TestRuntime;
/** What the descriptors are open on that containers were given. */
const names = new Set<string>();
beforeAll(async () => {
  test = await testRuntime();
});
afterEach(async () => {
  for (const { id } of await test.runtime.list()) await test.runtime.discard(id, '');
  await test.nothingRemains();
  expect([...openIn(test.keeper.pid).values()].filter((target) => names.has(target))).toEqual([]);
});
afterAll(() => test.dispose());

function give(fd: number, hold: boolean): Launch['fds'][number] {
  const name = openIn('self').get(fd);
  if (name !== undefined) names.add(name);
  return { fd, hold };
}
const given = (fd: number) => give(fd, false);
const held = (fd: number) => give(fd, true);
const shell = (script: string, fds: Launch['fds'], change: LaunchChange = {}): Launch =>
  test.launch(['sh', '-c', script], { ...change, fds });

/** Run to the end; what it put out. */
async function outputOf(launch: Launch): Promise<string[]> {
  await test.start(launch);
  expect(await test.waitForExit(launch)).toMatchObject({ code: 0 });
  return test.logOf(launch);
}

const readText = (fd: number): string => {
  const buffer = Buffer.alloc(1000);
  return buffer.toString('utf8', 0, readSync(fd, buffer));
};

/** Around a container, its shell and crun have its descriptors as well; they end a moment later. */
async function untilEnd(reader: number): Promise<void> {
  await until('nobody can write any more', () => readNow(reader) === '');
  closeSync(reader);
}

describe('a container reads and writes', () => {
  it('pipes, and the other side sees the end of one that it wrote to', async () => {
    const [fromHere, toThere] = pipe();
    const [fromThere, toHere] = pipe();
    writeSync(toThere, 'question\n');
    closeSync(toThere);
    const said = await outputOf(shell('cat <&3; echo answer >&4', [fromHere, toHere].map(given)));
    expect(said).toEqual(['question']);
    expect(readText(fromThere)).toBe('answer\n');
    await untilEnd(fromThere);
  });

  it('a regular file, where the one before left off', async () => {
    const path = join(test.dir, 'shared');
    writeFileSync(path, 'one\ntwo\n');
    const fd = openSync(path, 'r+');
    readSync(fd, Buffer.alloc(4));
    expect(await outputOf(shell('cat <&3; echo three >&3', [given(fd)]))).toEqual(['two']);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('one end of a unix socket pair', async () => {
    const [ours, theirs] = socketPair();
    writeSync(ours, 'question\n');
    expect(await outputOf(shell('read -r line <&3; echo $line; echo answer >&3', [given(theirs)]))).toEqual([
      'question',
    ]);
    expect([readText(ours), readText(ours)]).toEqual(['answer\n', '']);
    closeSync(ours);
  });

  it('a TCP connection, though it has no network', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fd = socketTo((server.address() as AddressInfo).port, 'tcp');
    const [connection] = (await once(server, 'connection')) as [Socket];
    const ended = once(connection, 'end');
    let heard = '';
    connection.on('data', (bytes) => (heard += bytes.toString()));
    connection.write('question\n');
    const script = 'read -r line <&3; echo $line; echo answer >&3';
    expect(await outputOf(shell(script, [given(fd)]))).toEqual(['question']);
    await ended;
    expect(heard).toBe('answer\n');
    server.close();
  });

  it('a UDP socket, though it has no network', async () => {
    const peer = createSocket('udp4').bind(0, '127.0.0.1');
    await once(peer, 'listening');
    const fd = socketTo(peer.address().port, 'udp');
    peer.once('message', (message, { port }) =>
      peer.send(`${message.toString().trim()} yourself\n`, port, '127.0.0.1'),
    );
    // The shell's own `read` takes one byte at a time, and with it the whole datagram.
    const script = 'echo hello >&3; busybox dd bs=100 count=1 <&3 2>/dev/null';
    expect(await outputOf(shell(script, [given(fd)]))).toEqual(['hello yourself']);
    peer.close();
  });

  it('128 of them, beside a terminal of its own', async () => {
    const fds = Array.from({ length: 128 }, () => given(openSync('/dev/zero', 'r')));
    const script = 'cd /proc/self/fd; set -- *; echo $#; [ -e 130 ] && [ ! -e 131 ] && echo all; sleep 1000';
    const launch = shell(script, fds, { process: { terminal: true } });
    await test.start(launch);
    await expect.poll(() => test.terminalOf(launch)).toContain('all');
  });
});

describe('descriptors', () => {
  it('are the same open files: nothing else of hob or its keeper is in the container', async () => {
    const fd = openSync('/proc/version', 'r');
    const { pid } = await test.start(test.launch(['sleep', '1000'], { fds: [given(fd)] }));
    expect([...openIn(pid).keys()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
    expect(openIn(pid).get(3)).toBe('/proc/version');
  });

  it('are closed in hob as soon as crun has them, while preStart hooks still run', async () => {
    const [reader, writer] = pipe();
    const launch = shell('echo said >&3', [given(writer)], { waitForPreStart: true });
    const name = openIn('self').get(writer);
    let open: string[] = [];
    await test.runtime.start(
      launch,
      () => {
        open = [...openIn('self').values()];
        void test.runtime.answerPreStart(launch.id, launch.instanceID, true);
      },
      never,
    );
    // One end is this test's own.
    expect(open.filter((target) => target === name)).toHaveLength(1);
    await test.waitForExit(launch);
    expect(readText(reader)).toBe('said\n');
    await untilEnd(reader);
  });

  it('that are not open make the start fail in words, and close the others', async () => {
    const [reader, writer] = pipe();
    const outcome = await test.runtime.start(shell('true', [held(writer), given(99999)]), () => undefined, never);
    expect(outcome).toMatchObject({
      kind: 'failed',
      reason: 'CreateError',
      message: expect.stringMatching(/descriptor 99999 of process \d+ cannot be had: it is not open there/),
    });
    await untilEnd(reader);
  });

  it('reach thirty containers with five each, all at once, each its own', async () => {
    const ours = openIn('self').size;
    const runs = Array.from({ length: 30 }, async (_, index) => {
      const pipes = Array.from({ length: 5 }, pipe);
      const script = `for i in 3 4 5 6 7; do echo ${index} $i >&$i; done`;
      const launch = shell(
        script,
        pipes.map(([, writer]) => given(writer)),
      );
      await test.start(launch);
      await test.waitForExit(launch);
      const said = pipes.map(([reader]) => readText(reader));
      await Promise.all(pipes.map(([reader]) => untilEnd(reader)));
      await test.discard(launch);
      expect(said).toEqual([3, 4, 5, 6, 7].map((fd) => `${index} ${fd}\n`));
    });
    await Promise.all(runs);
    expect(openIn('self').size).toBe(ours);
  });

  it('stay with their container when the keeper is killed', async () => {
    const [ours, theirs] = socketPair();
    const launch = shell('while read -r line; do echo again $line >&3; done <&3', [given(theirs)]);
    await test.start(launch);
    writeSync(ours, 'one\n');
    expect(readText(ours)).toBe('again one\n');
    await replaceKeeper();
    writeSync(ours, 'two\n');
    expect(readText(ours)).toBe('again two\n');
    closeSync(ours);
    await test.waitForExit(launch);
  });

  it('are had by the next keeper when the first one dies over the start', async () => {
    const [reader, writer] = pipe();
    const keeper = test.keeper.pid;
    process.kill(keeper, 'SIGSTOP');
    const launch = shell('echo said >&3', [given(writer)]);
    const started = test.start(launch);
    await until('hob has begun the start', () => test.remains().length > 0);
    process.kill(keeper, 'SIGKILL');
    await started;
    await test.waitForExit(launch);
    expect(readText(reader)).toBe('said\n');
    await untilEnd(reader);
  });
});

describe('a start that hob died over', () => {
  it('is gone on with by the shell that has the descriptors and the terminal, though that has yet to say its pid', async () => {
    const held = join(test.dir, 'held-up');
    mkfifo(held, 0o600);
    // The shell's loader waits at the FIFO, before a line of the shell's is read.
    const start: typeof test.keeper.start = (request) => test.keeper.start({ ...request, env: { LD_PRELOAD: held } });
    await test.reborn({ keeper: { ...test.keeper, start } });
    const launch = shell('tty; cat <&3; sleep 1000', [given(openSync('/proc/sys/kernel/ostype', 'r'))], {
      process: { terminal: true },
    });
    const death = new AbortController();
    const before = test.runtime.start(launch, () => undefined, death.signal).catch(() => undefined);
    const { id, instanceID } = launch;
    const seen = () => test.runtime.observe(id, instanceID);
    while ((await seen()).kind === 'absent') await delay(10);
    death.abort();
    await before;
    let asked = 0;
    const count: typeof test.keeper.start = (request) => {
      asked += 1;
      return test.keeper.start(request);
    };
    await test.reborn({ keeper: { ...test.keeper, start: count } });
    expect(await seen()).toEqual({ kind: 'starting' });
    const outcome = test.runtime.goOn({ id, instanceID, command: 'sh' }, () => undefined, never);
    const gate = openSync(held, 'r+');
    rmSync(held);
    closeSync(gate);
    expect(await outcome).toMatchObject({ kind: 'running' });
    await expect.poll(() => test.terminalOf(launch)).toEqual(expect.arrayContaining(['/dev/pts/0', 'Linux']));
    expect(asked, 'no second shell').toBe(0);
    await test.reborn();
  });
});

describe('a descriptor that is held', () => {
  const [said, end, open] = ['said\n', '', undefined];

  it('outlives its container: what that wrote is there, and the end comes when the instance is discarded', async () => {
    const [reader, writer] = pipe();
    const launch = shell('echo said >&3', [held(writer)]);
    await outputOf(launch);
    await until('its shell has ended', () => !isAlive(test.shellPid(launch)));
    expect([readNow(reader), readNow(reader)]).toEqual([said, open]);
    await test.discard(launch);
    expect(readNow(reader)).toBe(end);
    closeSync(reader);
  });

  it('keeps what nobody reads yet: not one end of the pipe is open elsewhere', async () => {
    const [reader, writer] = pipe();
    const name = openIn('self').get(reader);
    await outputOf(shell('echo said >&4', [held(reader), given(writer)]));
    const [kept] = [...openIn(test.keeper.pid)].find(([, target]) => target === name) ?? [];
    const again = openSync(`/proc/${test.keeper.pid}/fd/${kept}`, 'r');
    expect(readNow(again)).toBe(said);
    closeSync(again);
  });

  it('is let go of by the hob that comes after, and by one that finds no bundle', async () => {
    for (const forget of [false, true]) {
      const [reader, writer] = pipe();
      const launch = shell('echo said >&3; sleep 1000', [held(writer)]);
      await test.start(launch);
      await until('it has said something', () => readNow(reader) === said);
      if (forget) test.forget(launch);
      await test.reborn();
      expect(readNow(reader)).toBe(open);
      await test.discard(launch);
      expect(readNow(reader)).toBe(end);
      closeSync(reader);
    }
  });
});

/** Kill the keeper, and wait for the next one. */
async function replaceKeeper(): Promise<void> {
  const { pid } = test.keeper;
  process.kill(pid, 'SIGKILL');
  await until('there is another keeper', () => test.keeper.pid !== pid);
}
