import { once } from 'node:events';
import { namespaceFlag, parse } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { containersPath, oneContainerName } from './names.ts';

export const help = `Show what a container printed: its present instance, or the last one.

Usage:
  hob logs NAME [flags]

Examples:
  hob logs web --tail 20     # the last 20 lines
  hob logs -f web            # and what comes, until the instance ends
  hob logs --previous web    # of the instance before, say, one that crashed

Flags:
  -n, --namespace NAME  the namespace (default "default")
  -f, --follow          go on with what comes
      --tail N          only the last N lines
  -p, --previous        of the instance before the present one
      --timestamps      with the time of each line
      --run-dir DIR     where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('logs', args, {
    ...namespaceFlag,
    follow: { type: 'boolean', short: 'f', default: false },
    tail: { type: 'string' },
    previous: { type: 'boolean', short: 'p', default: false },
    timestamps: { type: 'boolean', default: false },
  });
  const name = oneContainerName('logs', positionals);
  const query = new URLSearchParams(tailQuery(values.tail));
  for (const flag of ['follow', 'previous', 'timestamps'] as const) if (values[flag]) query.set(flag, '1');
  const path = `${containersPath(values.namespace, name)}/log?${query.toString()}`;
  const log = await connectTo(socketPath(values)).stream('GET', path);
  log.pipe(process.stdout, { end: false });
  await once(log, 'close').catch(() => undefined);
  if (!log.complete) throw new CliError('hob went away; what the container prints meanwhile is not lost: ask again');
  return 0;
}

/** kubectl's -1 is all. */
function tailQuery(tail: string | undefined): Record<string, string> {
  if (tail === undefined || tail === '-1') return {};
  if (!/^\d{1,9}$/.test(tail)) throw usageError('logs', `--tail takes a number of lines, not ${JSON.stringify(tail)}`);
  return { tail };
}
