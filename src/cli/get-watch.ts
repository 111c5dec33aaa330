import type { Container } from '../api/container.ts';
import { key } from '../api/container.ts';
import type { Question } from './get-question.ts';
import { containersPath } from './names.ts';
import { print, serialized } from './output.ts';
import type { Column } from './table.ts';
import { tableLines, titleLine } from './table.ts';
import { sayLost, watch } from './watch.ts';

/** Show what is there, and a line for each change, for ever. @throws CliError when a named container isn't there */
export async function follow(question: Question): Promise<number> {
  const { client, namespace, names, selector } = question;
  for (const name of names) await client.json<Container>('GET', containersPath(namespace, name));
  const chosen = selector === undefined ? '' : `&labelSelector=${encodeURIComponent(selector)}`;
  const path = `${containersPath(namespace)}?watch=1${chosen}`;
  const show = printer(question);
  const isChosen = ({ metadata }: Container): boolean => names.length === 0 || names.includes(metadata.name);
  for await (const { present, gone } of watch<Container>(client, path, ({ metadata }) => key(metadata), sayLost)) {
    await show(present.filter(isChosen), false);
    await show(gone.filter(isChosen), true);
  }
  return 0;
}

type Show = (containers: readonly Container[], areGone: boolean) => Promise<void>;

function printer(question: Question): Show {
  const { format } = question;
  if (format === 'name')
    return async (containers) => containers.forEach(({ metadata }) => print(`container.hob.dev/${metadata.name}`));
  if (format !== 'json' && format !== 'yaml') return tablePrinter(question);
  return async (containers) => {
    for (const container of containers)
      process.stdout.write((format === 'yaml' ? '---\n' : '') + (await serialized(container, format)));
  };
}

/** Titles before the first row, and only rows that say something new. */
function tablePrinter({ columns, titles }: Question): Show {
  const widths: number[] = [];
  const told = new Map<string, string>();
  let hasTitles = !titles;
  return async (containers, areGone) => {
    const shown = areGone ? columns.map(asGone) : columns;
    const news = containers.filter((container) => {
      const text = JSON.stringify(shown.filter(({ title }) => title !== 'AGE').map(({ cell }) => cell(container)));
      const isNew = told.get(key(container.metadata)) !== text;
      told.set(key(container.metadata), text);
      return isNew;
    });
    const lines = tableLines(shown, news, widths);
    if (lines.length > 0 && !hasTitles) print(titleLine(columns, widths));
    if (lines.length > 0) hasTitles = true;
    for (const line of lines) print(line);
  };
}

function asGone(column: Column<Container>): Column<Container> {
  return column.title === 'PHASE' ? { ...column, cell: () => 'Gone' } : column;
}
