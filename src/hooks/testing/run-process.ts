import { spawn } from 'node:child_process';
import type { ProcessResult, RunProcess } from '../run-process.ts';

/** What the keeper does for plugins, done by this process itself. */
export const runProcess: RunProcess = (request, signal) =>
  new Promise<ProcessResult>((resolve, reject) => {
    const { argv, env, cwd, stdin, timeoutMs, maxOutputBytes } = request;
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env: { ...env }, cwd, stdio: 'pipe', detached: true });
    const killGroup = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup();
    }, timeoutMs);
    const abort = (): void => {
      killGroup();
      reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
    };
    signal?.addEventListener('abort', abort);
    const outputs = [child.stdout, child.stderr].map((stream) => collect(stream, maxOutputBytes));
    child.stdin.on('error', () => undefined).end(stdin);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, endedBy) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      const [stdout, stderr] = outputs.map((output) => output());
      resolve({
        code,
        signal: endedBy,
        stdout: stdout?.text ?? '',
        stderr: stderr?.text ?? '',
        timedOut,
        truncated: stdout?.cut === true || stderr?.cut === true,
      });
    });
  });

function collect(stream: NodeJS.ReadableStream, maxBytes: number): () => { text: string; cut: boolean } {
  let kept = Buffer.alloc(0);
  let cut = false;
  stream.on('data', (chunk: Buffer) => {
    cut ||= kept.length + chunk.length > maxBytes;
    kept = Buffer.concat([kept, chunk]).subarray(0, maxBytes);
  });
  return () => ({ text: kept.toString(), cut });
}
