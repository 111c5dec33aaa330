import type { ObjectList, PluginHookInfo, PluginInfo } from '../api/wire.ts';
import { milliseconds } from './age.ts';
import { parse } from './arguments.ts';
import { connectTo } from './client.ts';
import type { Client } from './client.ts';
import { socketPath } from './directories.ts';
import { factLine, given, section } from './facts.ts';
import { listOf, outputFlag, outputFormat, print, remark, serialized } from './output.ts';
import type { OutputFormat } from './output.ts';
import type { Column } from './table.ts';
import { coloured, table } from './table.ts';

export const help = `Show the plugins that hob found, how their calls went since its start, and what is wrong with those it cannot use.

Usage:
  hob plugins [NAME...] [flags]

Examples:
  hob plugins              # one line each
  hob plugins -o wide      # with version, file and all hooks
  hob plugins EthanLog     # all of one: each of its hooks, and what is wrong with it

Flags:
  -o, --output FORMAT  wide, json, yaml or name
      --run-dir DIR    where the running hob is (default /run/hob, or HOB_RUN_DIR)

Calls are counted since the start of hob. P99: 99 of 100 calls of the plugin's slowest hook took no longer.
`;

const narrowColumns: readonly Column<PluginInfo>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'KIND', cell: ({ kind }) => kind },
  { title: 'STATE', cell: ({ state }) => stateWord(state) },
  { title: 'CALLS', cell: ({ hooks }) => String(sumOf(hooks, 'calls')) },
  { title: 'FAILED', cell: ({ hooks }) => String(sumOf(hooks, 'failures')) },
  { title: 'P99', cell: ({ hooks }) => milliseconds(slowest(hooks, 'p99Ms')) },
];

const columns: readonly Column<PluginInfo>[] = [
  ...narrowColumns,
  { title: 'HOOKS', cell: ({ hooks }) => firstOf(hooks.map(hookWord)) },
];

const wideColumns: readonly Column<PluginInfo>[] = [
  ...narrowColumns.slice(0, -1),
  { title: 'P50', cell: ({ hooks }) => milliseconds(slowest(hooks, 'p50Ms')) },
  ...narrowColumns.slice(-1),
  { title: 'VERSION', cell: ({ version }) => version },
  { title: 'PATH', cell: ({ path }) => path },
  { title: 'HOOKS', cell: ({ hooks }) => hooks.map(hookWord).join(',') },
  { title: 'MESSAGE', cell: ({ message = '' }) => message },
];

const hookColumns: readonly Column<PluginHookInfo>[] = [
  { title: 'POINT', cell: ({ point }) => point },
  { title: 'MODE', cell: ({ mode }) => mode },
  { title: 'CALLS', cell: ({ calls }) => String(calls) },
  { title: 'FAILED', cell: ({ failures }) => String(failures) },
  { title: 'P50', cell: ({ p50Ms }) => milliseconds(p50Ms) },
  { title: 'P99', cell: ({ p99Ms }) => milliseconds(p99Ms) },
];

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('plugins', args, outputFlag);
  const format = outputFormat('plugins', values.output);
  const chosen = await ask(connectTo(socketPath(values)), positionals);
  if (format === 'json' || format === 'yaml') process.stdout.write(await serialized(listOf(chosen), format));
  else if (format === 'name') for (const { name } of chosen) print(`plugin/${name}`);
  else if (chosen.length === 0) remark('No plugins found.');
  else if (positionals.length > 0 && format === undefined) print(chosen.map(described).join('\n\n'));
  else showTable(chosen, format);
  return 0;
}

/** All, or those named: more than one of a name when several files claim it. */
async function ask(hob: Client, names: readonly string[]): Promise<PluginInfo[]> {
  const paths = names.map((name) => `/plugins/${encodeURIComponent(name.replace(/^plugins?\//, ''))}`);
  const lists = (paths.length === 0 ? ['/plugins'] : paths).map((path) =>
    hob.json<ObjectList<PluginInfo>>('GET', path),
  );
  return (await Promise.all(lists)).flatMap(({ items }) => items);
}

function showTable(plugins: readonly PluginInfo[], format: OutputFormat | undefined): void {
  for (const line of table(format === 'wide' ? wideColumns : columns, plugins)) print(line);
  if (format === 'wide') return;
  for (const { name, message } of plugins) if (message !== undefined) remark(`${name}: ${message}`);
}

function described({ name, kind, state, message, version, path, hooks }: PluginInfo): string {
  const facts = [
    ['Name', name],
    ['Kind', kind],
    ['State', stateWord(state)],
    ...given([
      ['Message', message],
      ['Version', version],
    ]),
    ['Path', path],
  ] as const;
  return [...facts.map(factLine), ...section('Hooks', hooks, hookColumns)].join('\n');
}

function stateWord(state: PluginInfo['state']): string {
  if (state === 'ready') return state;
  return coloured(state === 'broken' ? 'red' : 'yellow', state);
}

const hookWord = ({ point, mode }: PluginHookInfo): string => (mode === 'async' ? `${point}(async)` : point);

/** As many as fit on a line with the rest: `preStart,postStart + 2 more...`. */
const roomForHooks = 36;

function firstOf(words: readonly string[]): string {
  const all = words.join(',');
  if (all.length <= roomForHooks) return all || '<none>';
  const fitting = words.filter((_, index) => words.slice(0, index + 1).join(',').length <= roomForHooks);
  return `${fitting.join(',')} + ${words.length - fitting.length} more...`;
}

const sumOf = (hooks: readonly PluginHookInfo[], what: 'calls' | 'failures'): number =>
  hooks.reduce((sum, hook) => sum + hook[what], 0);

function slowest(hooks: readonly PluginHookInfo[], what: 'p50Ms' | 'p99Ms'): number | undefined {
  const known = hooks.map((hook) => hook[what]).filter((span) => span !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
