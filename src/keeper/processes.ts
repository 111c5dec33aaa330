import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, constants, openSync, statSync } from 'node:fs';
import type { StartRequest } from './protocol.ts';

export interface Command {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Start a program in a session of its own. Resolves when it executes.
 * Rejects with the system's code: ENOENT (no such program, or no such directory), EACCES, EMFILE, EAGAIN, ...
 */
export async function execute(command: Command, stdio: StdioOptions): Promise<ChildProcess> {
  const { argv, cwd = '/', env } = command;
  const [program = '', ...args] = argv;
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? defaultPath, ...env },
    stdio,
    detached: true,
  });
  if (child.pid !== undefined) return child;
  throw await startFailure(child, program, cwd);
}

async function startFailure(child: ChildProcess, program: string, cwd: string): Promise<Error> {
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => child.once('error', resolve));
  const { code } = error;
  // The system names the program also when it is the directory that is missing.
  const missing = code === 'ENOENT' && !statSync(cwd, { throwIfNoEntry: false }) ? `its directory ${cwd}` : undefined;
  const message = `${program} cannot be started: ${missing ? `${missing} does not exist` : error.message}`;
  return Object.assign(new Error(message, { cause: error }), { code });
}

/** Start a process that nobody waits for, with FIFOs as its output. `onExit` is called when it has ended. */
export async function start(request: StartRequest, onExit: () => void): Promise<{ pid: number }> {
  const outputs: number[] = [];
  try {
    const stdout = openOutput(request.stdout, outputs);
    const stderr = openOutput(request.stderr, outputs);
    const child = await execute(request, ['ignore', stdout, stderr]);
    child.once('exit', onExit);
    return { pid: child.pid ?? 0 };
  } finally {
    outputs.forEach((fd) => closeSync(fd));
  }
}

/** Read-write, so that the writer has a reader at all times, itself: it never gets SIGPIPE, however often the keeper is replaced. */
function openOutput(path: string | undefined, opened: number[]): number | 'ignore' {
  if (path === undefined) return 'ignore';
  const fd = openSync(path, constants.O_RDWR);
  opened.push(fd);
  return fd;
}
