import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { DownProgress } from '../api/wire.ts';
import { parse } from './arguments.ts';
import { CliError } from './cli-error.ts';
import { connectTo, NotRunning } from './client.ts';
import { directories, socketPath } from './directories.ts';
import { print } from './output.ts';
import { linesOf } from './watch.ts';

export const help = `Stop all containers, with their teardown hooks, and hob itself. Specs in watched folders stay where they are:
the next run starts them again. Works when hob does not run, too.

Usage:
  hob down [flags]

Flags:
      --state-dir DIR  of a hob that doesn't run (default /var/lib/hob, or HOB_STATE_DIR)
      --run-dir DIR    where hob is, or was (default /run/hob, or HOB_RUN_DIR)
`;

export async function run(args: string[]): Promise<number> {
  const { values } = parse('down', args, { 'state-dir': { type: 'string' } });
  try {
    await askRunning(socketPath(values));
    return 0;
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
  }
  const { tearDown } = await import('./run.ts');
  return tearDown(directories(values));
}

async function askRunning(socket: string): Promise<void> {
  const progress = await connectTo(socket).stream('POST', '/down');
  for await (const { message, done, pid } of linesOf<DownProgress>(progress)) {
    print(message);
    if (done) return pid === undefined ? undefined : untilEnded(pid);
  }
  throw new CliError('hob went away before all was done; run `hob down` again to finish');
}

const endLimitMs = 30_000;
const lookAgainMs = 20;

/** Only then its directories are free for the next one. It ends its plugins and its keeper first. */
async function untilEnded(pid: number): Promise<void> {
  const deadline = performance.now() + endLimitMs;
  while (isRunning(pid)) {
    if (performance.now() > deadline)
      throw new CliError(
        `the containers are gone, but hob's process ${pid} has not ended within ${endLimitMs / 1000} s`,
      );
    await delay(lookAgainMs);
  }
}

/** A zombie has ended, whenever its parent takes note of that. */
function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
