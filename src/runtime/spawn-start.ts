import { spawn } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import type { InstancePaths } from './instance-paths.ts';
import { openPty } from './pty.ts';

/**
 * Start the command line from this process, with descriptors that only it has; the keeper starts all others. The process is as
 * independent of hob as one of the keeper's.
 * @param fds become 3, 4, ...
 * @param terminal whether crun is to give the container a terminal. crun wants one as its own stdin for that. Nobody types there, and
 * crun itself holds its other end, so that it lasts as long as the container does. crun carries what the container says from its
 * terminal to stdout, and stops doing so when the container ends: the very last words may be lost.
 */
export async function spawnStart(
  argv: readonly string[],
  paths: InstancePaths,
  fds: readonly number[],
  terminal: boolean,
): Promise<void> {
  const opened: number[] = [];
  const open = (path: string): number => {
    const fd = openSync(path, constants.O_RDWR);
    opened.push(fd);
    return fd;
  };
  try {
    const outputs = [open(paths.stdout), open(paths.stderr)];
    const pty = terminal ? openPty() : undefined;
    if (pty) opened.push(pty.master, pty.slave);
    await execute(argv, [pty?.slave ?? 'ignore', ...outputs, ...fds, ...(pty ? [pty.master] : [])]);
  } finally {
    opened.forEach((fd) => closeSync(fd));
  }
}

/** Resolves when the program executes. */
function execute([program = '', ...args]: readonly string[], stdio: (number | 'ignore')[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn(program, args, { cwd: '/', env, stdio, detached: true });
    child.unref();
    child.once('error', reject);
    child.once('spawn', resolve);
  });
}
