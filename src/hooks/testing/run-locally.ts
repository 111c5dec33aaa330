import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ProcessRequest, ProcessResult, RunProcess } from '../run-process.ts';

/** As long as the keeper waits for output when the program has ended but something else holds its pipes. */
const DRAIN_MS = 200;

/** What the keeper does for plugins, done by this process itself. A program is over when it has ended, whatever it leaves behind. */
export const runLocally: RunProcess = async (request, signal) => {
  signal?.throwIfAborted();
  const child = start(request);
  const outputs = [child.stdout, child.stderr].map((stream) => collect(stream, request.maxOutputBytes));
  child.stdin.on('error', () => undefined).end(request.stdin);
  const exit = await ended(child, request.timeoutMs, signal);
  await drained(outputs);
  signal?.throwIfAborted();
  const [stdout = '', stderr = ''] = outputs.map(({ text }) => text());
  return { ...exit, stdout, stderr, truncated: outputs.some(({ isCut }) => isCut()) };
};

function start({ argv, env, cwd }: ProcessRequest) {
  const [program = '', ...args] = argv;
  return spawn(program, args, { env: { ...env }, cwd, stdio: 'pipe', detached: true });
}

type Ended = Pick<ProcessResult, 'code' | 'signal' | 'timedOut'>;

/** Rejects when the program cannot be started. */
function ended(child: ChildProcess, timeoutMs: number, abort: AbortSignal | undefined): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let timedOut = false;
    const kill = (): void => killGroup(child);
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    abort?.addEventListener('abort', kill);
    const letGo = (): void => {
      clearTimeout(timer);
      abort?.removeEventListener('abort', kill);
    };
    child.once('exit', (code, signal) => {
      letGo();
      resolve({ code, signal, timedOut });
    });
    child.once('error', (error) => {
      letGo();
      reject(error);
    });
  });
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It went by itself just now.
  }
}

interface Collected {
  text(): string;
  /** There was more than may be kept. */
  isCut(): boolean;
  readonly closed: Promise<void>;
  stop(): void;
}

function collect(stream: Readable, maxBytes: number): Collected {
  let kept = Buffer.alloc(0);
  let cut = false;
  stream.on('data', (chunk: Buffer) => {
    cut ||= kept.length + chunk.length > maxBytes;
    kept = Buffer.concat([kept, chunk]).subarray(0, maxBytes);
  });
  return {
    text: () => kept.toString(),
    isCut: () => cut,
    closed: new Promise((resolve) => stream.once('close', () => resolve())),
    stop: () => void stream.destroy(),
  };
}

/** Never waits for the pipes to close: what the program left behind may hold them for ever. */
async function drained(outputs: readonly Collected[]): Promise<void> {
  const deadline = Promise.withResolvers<void>();
  const timer = setTimeout(deadline.resolve, DRAIN_MS);
  await Promise.race([Promise.all(outputs.map(({ closed }) => closed)), deadline.promise]);
  clearTimeout(timer);
  for (const { stop } of outputs) stop();
}
