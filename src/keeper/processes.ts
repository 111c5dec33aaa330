import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { constants, openSync, statSync } from 'node:fs';
import { closeAll, copyDescriptors, type Copies } from './descriptors.ts';
import type { HeldDescriptors } from './held-descriptors.ts';
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
export async function start(
  request: StartRequest,
  held: HeldDescriptors,
  onExit: () => void,
): Promise<{ pid: number }> {
  const opened: number[] = [];
  try {
    const stdout = openOutput(request.stdout, opened);
    const stderr = openOutput(request.stderr, opened);
    const { stdin = 'ignore', fds } = openGiven(request, opened);
    const child = await execute(request, [stdin, stdout, stderr, ...fds]);
    child.once('exit', onExit);
    const pid = child.pid ?? 0;
    holdSome(request, { pid, fds }, opened, held);
    return { pid };
  } finally {
    closeAll(opened);
  }
}

/** After stdin, stdout and stderr. */
const FIRST_GIVEN = 3;

function openGiven({ descriptors }: StartRequest, opened: number[]): Copies {
  if (!descriptors) return { fds: [] };
  const copies = copyDescriptors(descriptors);
  opened.push(...copies.fds, ...(copies.stdin === undefined ? [] : [copies.stdin]));
  return copies;
}

/** Those to be held are no longer among the opened ones, which are closed. */
function holdSome(
  { descriptors }: StartRequest,
  started: { readonly pid: number; readonly fds: readonly number[] },
  opened: number[],
  held: HeldDescriptors,
): void {
  const { hold, fds: asked = [] } = descriptors ?? {};
  if (!hold) return;
  const { pid, fds } = started;
  const places = [...fds.keys()].filter((at) => hold.fds.includes(asked[at] ?? -1));
  const kept = places.flatMap((at) => fds[at] ?? []);
  held.hold({ key: hold.key, fds: kept, started: { pid, fds: places.map((at) => FIRST_GIVEN + at) } });
  for (const fd of kept) opened.splice(opened.indexOf(fd), 1);
}

/** Read-write, so that the writer has a reader at all times, itself: it never gets SIGPIPE, however often the keeper is replaced. */
function openOutput(path: string | undefined, opened: number[]): number | 'ignore' {
  if (path === undefined) return 'ignore';
  const fd = openSync(path, constants.O_RDWR);
  opened.push(fd);
  return fd;
}
