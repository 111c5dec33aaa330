import type { ObjectList, PluginInfo } from '../api/wire.ts';
import { parse } from './arguments.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { listOf, outputFlag, outputFormat, print, remark, serialized } from './output.ts';
import type { Column } from './table.ts';
import { coloured, table } from './table.ts';

export const help = `Show the plugins that hob found, and what is wrong with those it cannot use.

Usage:
  hob plugins [flags]

Examples:
  hob plugins
  hob plugins -o json

Flags:
  -o, --output FORMAT  json, yaml or name
      --run-dir DIR    where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

const columns: readonly Column<PluginInfo>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'HOOKS', cell: hooks },
  { title: 'PATH', cell: ({ path }) => path },
  { title: 'PROBLEM', cell: ({ problem }) => (problem === undefined ? '' : coloured('red', problem)) },
];

function hooks({ sync, async }: PluginInfo): string {
  return [...sync, ...async.map((point) => `${point}(async)`)].join(',') || '<none>';
}

export async function run(args: string[]): Promise<number> {
  const { values } = parse('plugins', args, outputFlag);
  const format = outputFormat('plugins', values.output);
  const { items } = await connectTo(socketPath(values)).json<ObjectList<PluginInfo>>('GET', '/plugins');
  if (format === 'json' || format === 'yaml') process.stdout.write(await serialized(listOf(items), format));
  else if (format === 'name') for (const { name } of items) print(`plugin/${name}`);
  else if (items.length === 0) remark('No plugins found.');
  else for (const line of table(columns, items)) print(line);
  return 0;
}
