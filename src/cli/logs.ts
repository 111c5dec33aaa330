import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { namespaceFlag, parse } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { containersPath, oneContainerName } from './names.ts';
import { outputFlag, outputFormat, print } from './output.ts';
import { recordWords } from './record-words.ts';

export const help = `Show what a container printed: its present instance, or the last one.

Usage:
  hob logs NAME [flags]

Examples:
  hob logs web --tail 20     # the last 20 lines
  hob logs -f web            # and what comes, until the instance ends
  hob logs --previous web    # of the instance before, say, one that crashed
  hob logs --ethanlog web    # the structured records that it wrote to its EthanLog pipe

Flags:
  -n, --namespace NAME  the namespace (default "default")
  -f, --follow          go on with what comes
      --tail N          only the last N lines
  -p, --previous        of the instance before the present one
      --timestamps      with the time of each line
      --plugin PLUGIN   not what it printed, but the records that this plugin keeps of it, of all its instances
      --ethanlog        short for --plugin EthanLog
  -o, --output json     records as JSON, a line each; so they are, too, where the output is no terminal
      --run-dir DIR     where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('logs', args, {
    ...namespaceFlag,
    ...outputFlag,
    follow: { type: 'boolean', short: 'f', default: false },
    tail: { type: 'string' },
    previous: { type: 'boolean', short: 'p', default: false },
    timestamps: { type: 'boolean', default: false },
    plugin: { type: 'string' },
    ethanlog: { type: 'boolean', default: false },
  });
  const name = oneContainerName('logs', positionals);
  const plugin = values.plugin ?? (values.ethanlog ? 'EthanLog' : undefined);
  refuseWhatDoesNotFit(plugin, values);
  const query = new URLSearchParams({ ...tailQuery(values.tail), ...(plugin !== undefined && { plugin }) });
  for (const flag of ['follow', 'previous', 'timestamps'] as const) if (values[flag]) query.set(flag, '1');
  const path = `${containersPath(values.namespace, name)}/log?${query.toString()}`;
  const log = await connectTo(socketPath(values)).stream('GET', path);
  const isForPeople = plugin !== undefined && values.output === undefined && process.stdout.isTTY;
  await (isForPeople ? showRecords(log) : show(log));
  if (!log.complete) throw new CliError('hob went away; what the container prints meanwhile is not lost: ask again');
  return 0;
}

async function show(log: IncomingMessage): Promise<void> {
  log.pipe(process.stdout, { end: false });
  await once(log, 'close').catch(() => undefined);
}

async function showRecords(log: IncomingMessage): Promise<void> {
  createInterface({ input: log, crlfDelay: Infinity }).on('line', (line) => print(recordWords(line)));
  await once(log, 'close').catch(() => undefined);
}

/** Records have their times with them and are of all instances; output has no format. */
function refuseWhatDoesNotFit(
  plugin: string | undefined,
  flags: { readonly output?: string | undefined; readonly previous: boolean; readonly timestamps: boolean },
): void {
  const refuse = (what: string): never => {
    throw usageError('logs', what);
  };
  const format = outputFormat('logs', flags.output);
  if (plugin === undefined && format) refuse('--output is for the records of a plugin: add --plugin');
  if (format && format !== 'json') refuse(`records are shown as json, not ${format}`);
  if (plugin === undefined) return;
  if (flags.previous) refuse('--previous does not go with --plugin: its records are of all instances');
  if (flags.timestamps) refuse('--timestamps does not go with --plugin: its records have their time');
}

/** kubectl's -1 is all. */
function tailQuery(tail: string | undefined): Record<string, string> {
  if (tail === undefined || tail === '-1') return {};
  if (!/^\d{1,9}$/.test(tail)) throw usageError('logs', `--tail takes a number of lines, not ${JSON.stringify(tail)}`);
  return { tail };
}
