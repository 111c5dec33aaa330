import type { Column } from './table.ts';
import { table } from './table.ts';

/** A name and a value, of what is described. */
export type Fact = readonly [string, string | number | boolean | undefined];

const valueColumn = 18;

/** `Name:   web`; further lines of the value under its first. */
export function factLine([name, value = '<none>']: Fact): string {
  return (`${name}:`.padEnd(valueColumn) + String(value).replaceAll('\n', `\n${' '.repeat(valueColumn)}`)).trimEnd();
}

/** Those that there is something to say about. */
export function given(facts: readonly Fact[]): Fact[] {
  return facts.filter(([, value]) => value !== undefined && value !== '');
}

/** A table under a title of its own. */
export function section<Row>(title: string, rows: readonly Row[], columns: readonly Column<Row>[]): string[] {
  return rows.length === 0 ? [factLine([title, undefined])] : [`${title}:`, ...indented(table(columns, rows))];
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line.replaceAll('\n', '\n  ')}`);
}
