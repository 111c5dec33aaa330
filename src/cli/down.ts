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
  for await (const { message, done } of linesOf<DownProgress>(progress)) {
    print(message);
    if (done) return;
  }
  throw new CliError('hob went away before all was done; run `hob down` again to finish');
}
