import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mount, unmount } from '../../src/host/libc.ts';
import { outputOf, read, testKeeper, type Dialogue, type TestKeeper } from '../support/keeper.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

let keeper: TestKeeper;
let client: Dialogue;

beforeEach(async () => {
  keeper = testKeeper();
  await keeper.start();
  client = await keeper.dial();
});

afterEach(() => keeper.dispose());

/** A process whose output goes to the log's FIFOs, as a container's does. */
async function startWriter(key: string, script: string): Promise<number> {
  const [stdout, stderr] = [join(keeper.dir, `${key}.stdout`), join(keeper.dir, `${key}.stderr`)];
  const { pid } = await client.ask({ op: 'start', argv: ['sh', '-c', script], stdout, stderr });
  return pid;
}

const logEnds = (key: string): Promise<void> => until(`the log ${key} ends`, () => client.endedLogs.includes(key));
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
const logPath = (key: string): string => join(keeper.dir, 'logs', `${key}.log`);

it('output reaches the log file, in the order it came, with its stream', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await startWriter('a', 'echo out; echo; echo last');
  await logEnds('a');
  expect(keeper.records('a')).toEqual(['stdout F out', 'stdout F ', 'stdout F last']);
});

it('both streams go to the same file', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await startWriter('a', 'echo out; echo err >&2');
  await logEnds('a');
  expect(keeper.records('a').toSorted()).toEqual(['stderr F err', 'stdout F out']);
});

it('a piece without a newline is there at once, and its line is ended with the stream', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  const pid = await startWriter('a', 'printf piece; sleep 1000');
  await until('the piece is there', () => keeper.records('a').length > 0);
  expect(keeper.records('a')).toEqual(['stdout P piece']);
  process.kill(-pid, 'SIGKILL');
  await logEnds('a');
  expect(keeper.records('a')).toEqual(['stdout P piece', 'stdout F ']);
});

it('binary output of half a megabyte survives byte for byte, in pieces of 16 KiB at most', async () => {
  const bytes = Buffer.alloc(500_000);
  for (let at = 0, random = 12345; at < bytes.length; at++)
    bytes[at] = (random = (random * 1103515245 + 12345) & 0x7fffffff) >> 16;
  bytes.fill('x', 100_000, 200_000); // a long line
  bytes[bytes.length - 1] = 10;
  writeFileSync(join(keeper.dir, 'bytes'), bytes);
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await startWriter('a', `cat ${keeper.dir}/bytes`);
  await logEnds('a');
  const log = readFileSync(logPath('a'));
  expect(outputOf(log, 'stdout').equals(bytes)).toBe(true);
  const longest = Math.max(
    ...log
      .toString('latin1')
      .split('\n')
      .map(({ length }) => length),
  );
  expect(longest).toBeLessThanOrEqual('2026-01-01T00:00:00.000000000Z stdout P '.length + 16 * 1024);
});

it('drain answers when all that was written is in the log, with the writer still there', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  const pid = await startWriter('a', `seq 1 10000; echo done >${keeper.dir}/done; sleep 1000`);
  await until('all is written', () => read(join(keeper.dir, 'done')) !== '');
  await client.ask({ op: 'drainLog', key: 'a' });
  expect(keeper.records('a').at(-1)).toBe('stdout F 10000');
  expect((await client.ask({ op: 'hello', version: 1 })).logs).toEqual([]);
  process.kill(-pid, 'SIGKILL');
});

it('drain comes to its end while somebody writes without end', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a', { maxSizeBytes: 100_000 }) });
  const pid = await startWriter('a', 'yes');
  await until('something is written', () => keeper.records('a').length > 0);
  await client.ask({ op: 'drainLog', key: 'a' });
  process.kill(-pid, 'SIGKILL');
});

it('attaching a log again changes nothing', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await startWriter('a', 'echo once');
  await logEnds('a');
  expect(keeper.records('a')).toEqual(['stdout F once']);
  expect(client.endedLogs).toEqual(['a']);
});

it('a FIFO that is not there, or is none, is an error, and the log is not attached', async () => {
  const log = keeper.log('a');
  const [stdout] = log.streams;
  const with_ = (fifo: string) => ({ ...log, streams: [stdout!, { stream: 'stderr' as const, fifo }] });
  writeFileSync(join(keeper.dir, 'file'), '');
  await expect(client.ask({ op: 'attachLog', ...with_('/nowhere') })).rejects.toThrow(/ENOENT.*\/nowhere/);
  await expect(client.ask({ op: 'attachLog', ...with_(join(keeper.dir, 'file')) })).rejects.toThrow(
    /file is not a FIFO/,
  );
  expect((await client.ask({ op: 'hello', version: 1 })).logs).toEqual([]);
});

it('a full file is renamed, and no more files are kept than asked for', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a', { maxSizeBytes: 10_000, maxFiles: 3 }) });
  await startWriter('a', 'for i in $(seq 1 800); do echo line $i; sleep 0.001; done');
  await logEnds('a');
  expect(readdirSync(join(keeper.dir, 'logs')).toSorted()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  const files = [2, 1, 0].map((age) => readFileSync(logPath('a') + (age ? `.${age}` : '')));
  for (const file of files) expect(file.length).toBeLessThanOrEqual(10_000);
  const numbers = outputOf(Buffer.concat(files), 'stdout').toString().match(/\d+/g)?.map(Number) ?? [];
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => 801 - numbers.length + at));
  expect(numbers.length).toBeGreaterThan(400);
});

it('with one file only, a full one is begun anew', async () => {
  await client.ask({ op: 'attachLog', ...keeper.log('a', { maxSizeBytes: 1000, maxFiles: 1 }) });
  await startWriter('a', 'for i in $(seq 1 100); do echo line $i; sleep 0.001; done');
  await logEnds('a');
  expect(readdirSync(join(keeper.dir, 'logs'))).toEqual(['a.log']);
  expect(statSync(logPath('a')).size).toBeLessThanOrEqual(1000);
  expect(keeper.records('a').at(-1)).toBe('stdout F line 100');
});

it.each([
  ['directory is removed', () => rmSync(join(keeper.dir, 'logs'), { recursive: true })],
  ['file is removed', () => rmSync(logPath('a'))],
  ['file is moved away', () => renameSync(logPath('a'), join(keeper.dir, 'moved'))],
])('when the %s, output goes to a new one', async (_, spoil) => {
  await client.ask({ op: 'attachLog', ...keeper.log('a') });
  await startWriter('a', `echo before; while ! [ -e ${keeper.dir}/spoilt ]; do sleep 0.01; done; echo after`);
  await until('the first line is there', () => keeper.records('a').length > 0);
  spoil();
  writeFileSync(join(keeper.dir, 'spoilt'), '');
  await logEnds('a');
  expect(keeper.records('a')).toEqual(['stdout F after']);
});

it('on a full disk the container goes on, and the log says later what is missing', async () => {
  const disk = join(keeper.dir, 'disk');
  mkdirSync(disk);
  // With room for all of it once the ballast is gone, whatever of it is still to be read by then.
  mount({ type: 'tmpfs', target: disk, data: 'size=512k' });
  try {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(500_000));
    await client.ask({ op: 'attachLog', ...keeper.log('a', { path: join(disk, 'a.log') }) });
    const full = `seq 1 5000; echo full >${keeper.dir}/full; while ! [ -e ${keeper.dir}/freed ]; do sleep 0.01; done`;
    await startWriter('a', `${full}; echo after; echo end`);
    await until('all is written', () => read(join(keeper.dir, 'full')) !== '');
    // Writing is over before reading is.
    await until('the loss is noticed', () => keeper.ownLog().includes('ENOSPC'));
    rmSync(join(disk, 'ballast'));
    writeFileSync(join(keeper.dir, 'freed'), '');
    await logEnds('a');
    const records = outputOf(readFileSync(join(disk, 'a.log')), 'stdout')
      .toString()
      .trimEnd()
      .split('\n');
    expect(records.slice(-2)).toEqual(['after', 'end']);
    // Small pieces may fit where large ones did not, so there may be several gaps.
    const gap = /^\[hob\] (\d+) lines \(\d+ bytes\) of output are missing here: ENOSPC: no space left on device/;
    const gaps = records.flatMap((record) => gap.exec(record)?.[1] ?? []);
    const missing = gaps.reduce((sum, lines) => sum + Number(lines), 0);
    // A line that is cut by the edge of a gap counts as missing, and is there in part.
    const counted = records.length - 2 - gaps.length + missing;
    expect(counted).toBeGreaterThanOrEqual(5000);
    expect(counted).toBeLessThanOrEqual(5000 + 2 * gaps.length);
    expect(missing).toBeGreaterThan(0);
    expect(keeper.ownLog()).toMatch(/output is lost, as .*a.log cannot be written: ENOSPC/);
  } finally {
    unmount(disk, { detach: true });
  }
});

it('a log that cannot be written at all holds up nobody', async () => {
  writeFileSync(join(keeper.dir, 'file'), '');
  await client.ask({ op: 'attachLog', ...keeper.log('a', { path: join(keeper.dir, 'file/a.log') }) });
  await startWriter('a', 'seq 1 100000');
  await logEnds('a');
  expect(keeper.ownLog()).toContain('output is lost');
});

it('a log path that is a FIFO, a device or a directory holds up nobody', async () => {
  for (const path of [keeper.fifo('odd'), '/dev/null', keeper.dir]) {
    await client.ask({ op: 'attachLog', ...keeper.log('a', { path }) });
    await startWriter('a', 'seq 1 20000');
    await logEnds('a');
    client.endedLogs.length = 0;
  }
});

it('a keeper that is killed while a process writes fast loses no line, and doubles none', async () => {
  const log = keeper.log('a', { maxSizeBytes: 1_000_000_000 });
  await client.ask({ op: 'attachLog', ...log });
  const stop = join(keeper.dir, 'stop');
  const thousand = 'n=0; while [ $n -lt 1000 ]; do n=$((n+1)); i=$((i+1)); echo $i; done';
  const script = `i=0; while ! [ -e ${stop} ]; do ${thousand}; done; echo $i >${keeper.dir}/count`;
  const writer = await startWriter('a', script);
  for (let kill = 0; kill < 12; kill++) {
    const size = sizeOf(logPath('a'));
    await until('the log grows', () => sizeOf(logPath('a')) > size + 20_000 * (kill % 3));
    await keeper.kill();
    await keeper.start();
    client = await keeper.dial();
    await client.ask({ op: 'attachLog', ...log });
  }
  // No SIGPIPE came.
  expect(isAlive(writer)).toBe(true);
  writeFileSync(stop, '');
  await until('the writer ends', () => !isAlive(writer));
  await client.ask({ op: 'drainLog', key: 'a' });
  const count = Number(read(join(keeper.dir, 'count')));
  const wanted = Array.from({ length: count }, (_, at) => `${at + 1}\n`).join('');
  expect(outputOf(readFileSync(logPath('a')), 'stdout').toString() === wanted).toBe(true);
});
