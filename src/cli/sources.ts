import type { ObjectList, SourceInfo } from '../api/wire.ts';
import { parse } from './arguments.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { printMistakes } from './mistakes.ts';
import { listOf, outputFlag, outputFormat, print, serialized } from './output.ts';
import type { Column } from './table.ts';
import { coloured, table } from './table.ts';

export const help = `Show where hob takes specs from, and what is wrong with them.

Usage:
  hob sources [flags]

Examples:
  hob sources

Flags:
  -o, --output FORMAT  json, yaml or name
      --run-dir DIR    where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

const columns: readonly Column<SourceInfo>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'SYNCED', cell: ({ synced }) => (synced ? 'True' : 'False') },
  { title: 'CONTAINERS', cell: ({ containers }) => String(containers) },
  { title: 'MISTAKES', cell: ({ mistakes }) => String(mistakes.length) },
  { title: 'PROBLEM', cell: ({ unavailable }) => (unavailable === undefined ? '' : coloured('red', unavailable)) },
];

export async function run(args: string[]): Promise<number> {
  const { values } = parse('sources', args, outputFlag);
  const format = outputFormat('sources', values.output);
  const { items } = await connectTo(socketPath(values)).json<ObjectList<SourceInfo>>('GET', '/sources');
  if (format === 'json' || format === 'yaml') process.stdout.write(await serialized(listOf(items), format));
  else if (format === 'name') for (const { name } of items) print(`source/${name}`);
  else {
    for (const line of table(columns, items)) print(line);
    await printMistakes(items.flatMap(({ mistakes }) => mistakes));
  }
  return 0;
}
