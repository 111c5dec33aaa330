import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { closePipe, makeMemoryFile, makePipe, type Pipe } from './libc.ts';
import { execute } from './processes.ts';
import type { RunRequest, RunResult } from './protocol.ts';
import type { RunRecords } from './run-records.ts';

/** Also when the request says nothing, or more. Both outputs, escaped as badly as can be, still fit in a line of the protocol. */
const mostOutputBytes = 1024 * 1024;
/** How long output is waited for when the program has ended but something else holds its pipes. */
const drainMs = 200;
/** How long a killed process may take to go. One that hangs in the kernel never does. */
const dieMs = 2000;
const longestTimerMs = 2 ** 31 - 1;

/**
 * Run a program to its end. When `remainingMs` are over or `signal` fires, its whole process group is killed.
 * Rejects when the program cannot be started.
 */
export async function run(
  request: RunRequest,
  remainingMs: number,
  signal: AbortSignal,
  records: Pick<RunRecords, 'begin'>,
): Promise<RunResult> {
  const began = performance.now();
  const { env, forget } = records.begin();
  try {
    const result = await runWithPipes({ ...request, env: { ...request.env, ...env } }, remainingMs, signal);
    return { ...result, durationMs: Math.round(performance.now() - began) };
  } finally {
    forget();
  }
}

async function runWithPipes(
  request: RunRequest,
  remainingMs: number,
  signal: AbortSignal,
): Promise<Omit<RunResult, 'durationMs'>> {
  const { child, stdout, stderr } = await executeWithPipes(request);
  const limit = Math.min(request.maxOutputBytes ?? mostOutputBytes, mostOutputBytes);
  const outputs = [collect(stdout, limit), collect(stderr, limit)] as const;
  const exit = await ended(child, remainingMs, signal);
  await drained(outputs);
  return {
    ...exit,
    stdout: outputs[0].text(),
    stderr: outputs[1].text(),
    truncated: outputs.some(({ truncated }) => truncated),
  };
}

/** The program, and our ends of its pipes. */
async function executeWithPipes(request: RunRequest) {
  const stdin = request.stdin === undefined ? undefined : makeMemoryFile(request.stdin);
  const pipes: Pipe[] = [];
  try {
    const [stdout, stderr] = [addPipe(pipes), addPipe(pipes)];
    const child = await execute(request, [stdin ?? 'ignore', stdout.writeEnd, stderr.writeEnd]);
    for (const { writeEnd } of [stdout, stderr]) closeSync(writeEnd);
    return { child, stdout: stdout.readEnd, stderr: stderr.readEnd };
  } catch (error) {
    pipes.forEach(closePipe);
    throw error;
  } finally {
    if (stdin !== undefined) closeSync(stdin);
  }
}

function addPipe(pipes: Pipe[]): Pipe {
  const pipe = makePipe();
  pipes.push(pipe);
  return pipe;
}

interface Collected {
  text(): string;
  truncated: boolean;
  readonly closed: Promise<void>;
  readonly stop: () => void;
}

// One for all: what was read is copied before anything else can be read.
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

function collect(fd: number, limit: number): Collected {
  const pieces: Buffer[] = [];
  let room = limit;
  const take = (length: number): true => {
    const kept = Math.min(length, room);
    if (kept > 0) pieces.push(Buffer.from(readBuffer.subarray(0, kept)));
    room -= kept;
    collected.truncated ||= kept < length;
    return true;
  };
  const socket = new Socket({ fd, writable: false, onread: { buffer: readBuffer, callback: take } });
  socket.on('error', () => undefined); // 'close' follows, and means the same here
  const collected: Collected = {
    text: () => Buffer.concat(pieces).toString('utf8'),
    truncated: false,
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    stop: () => void socket.destroy(),
  };
  socket.resume();
  return collected;
}

type Ended = Pick<RunResult, 'code' | 'signal' | 'timedOut'>;

function ended(child: ChildProcess, remainingMs: number, abort: AbortSignal): Promise<Ended> {
  return new Promise((resolve) => {
    let timedOut = false;
    const timers: NodeJS.Timeout[] = [];
    const finish = (code: number | null, signal: string | null): void => {
      timers.forEach(clearTimeout);
      abort.removeEventListener('abort', kill);
      resolve({ code, signal, timedOut });
    };
    const kill = (): void => {
      killGroup(child);
      timers.push(setTimeout(() => finish(null, null), dieMs));
    };
    const timeOut = (): void => {
      timedOut = true;
      kill();
    };
    timers.push(setTimeout(timeOut, Math.min(remainingMs, longestTimerMs)));
    abort.addEventListener('abort', kill);
    child.once('exit', finish);
    if (abort.aborted) kill();
  });
}

/** Never waits for the pipes to close: a grandchild may hold them for ever. */
async function drained(outputs: readonly Collected[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise((resolve) => (timer = setTimeout(resolve, drainMs)));
  await Promise.race([Promise.all(outputs.map(({ closed }) => closed)), deadline]);
  clearTimeout(timer);
  outputs.forEach(({ stop }) => stop());
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It went by itself just now.
  }
}
