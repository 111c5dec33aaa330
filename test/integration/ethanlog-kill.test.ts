import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPipes } from '../../plugins/EthanLog/pipes.ts';

const logsModule = join(import.meta.dirname, '../../plugins/EthanLog/logs.ts');
/** The plugin without hob: it reads what pipes there are, until it is killed. */
const program = `
const { openLogs } = await import(${JSON.stringify(logsModule)});
openLogs({ stateDir: process.argv[2], nodeName: 'here', cgroupVersion: 2, cgroupMountPath() {}, cgroupPath() {} });
setInterval(() => undefined, 60_000);
console.log('reads');
`;

let dir: string;
let reader: ChildProcess | undefined;
let thread: Worker | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-ethanlog-kill-'));
});
afterEach(async () => {
  await kill();
  await endThread();
  rmSync(dir, { recursive: true });
});

function programFile(): string {
  const path = join(dir, 'reads.mjs');
  writeFileSync(path, program);
  return path;
}

async function read(): Promise<void> {
  const args = ['--disable-warning=ExperimentalWarning', programFile(), dir];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  reader = child;
  await new Promise((resolve) => child.stdout.once('data', resolve));
}

/** For a time of its own each: some are killed before they have begun, some in their first read, some at full speed. */
const lives = Array.from({ length: 16 }, (_, n) => 120 + 17 * n);

async function kill(): Promise<void> {
  const child = reader;
  reader = undefined;
  if (!child) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

/** False when the pipe is full. */
function wrote(fd: number, n: number): boolean {
  try {
    writeSync(fd, `\x1e\x1fL4\x1fM${n}\x1e`);
    return true;
  } catch {
    return false;
  }
}

/** As hob does: the process goes on. */
async function readInThread(): Promise<void> {
  const execArgv = ['--disable-warning=ExperimentalWarning'];
  const worker = new Worker(programFile(), { argv: [dir], execArgv, stdout: true });
  thread = worker;
  await new Promise((resolve) => worker.stdout.once('data', resolve));
}

async function endThread(): Promise<void> {
  await thread?.terminate();
  thread = undefined;
}

it.each([
  ['is killed', () => void read(), kill],
  // Node itself may die of a thread that is ended while it loads its modules.
  ['has its thread ended', readInThread, endThread],
])(
  'a reader that %s again and again at its busiest loses nothing, and leaves no gap and no half record',
  async (_, begin, end) => {
    const pipes = createPipes(join(dir, 'pipes'));
    const ends = pipes.make('web', { settings: { name: 'web', levels: ['info'] } });
    closeSync(ends.reader);
    let next = 0;
    let isOver = false;
    const writing = (async (): Promise<void> => {
      while (!isOver) {
        for (let burst = 0; burst < 500 && wrote(ends.writer, next); burst++) next += 1;
        await delay(0);
      }
    })();
    for (const life of lives) {
      await begin();
      await delay(life);
      await end();
    }
    isOver = true;
    await writing;
    await read();
    const path = join(dir, 'records/web.jsonl');
    const messages = (): number[] =>
      [`${path}.1`, path]
        .filter((file) => existsSync(file))
        .flatMap((file) => readFileSync(file, 'utf8').split('\n').slice(0, -1))
        .map((line) => Number((JSON.parse(line) as { message: string }).message));
    await expect.poll(() => messages().at(-1)).toBe(next - 1);
    closeSync(ends.writer);
    const found = messages();
    expect(found.length).toBeGreaterThan(10_000);
    // The older ones are in no file any more.
    const [first = 0] = found;
    if (!existsSync(`${path}.1`)) expect(first).toBe(0);
    expect([...new Set(found)].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: next - first }, (_, n) => first + n),
    );
  },
);
