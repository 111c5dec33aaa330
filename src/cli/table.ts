import { stripVTControlCharacters, styleText } from 'node:util';

/** One column of a table, and how a row fills it. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
}

const gap = 3;

/**
 * Rows under titles, in columns that fit. A cell of several lines goes on below itself; only the last column should have such.
 * @param widths the columns' widths so far; they grow here, so that rows that come later stand under the same titles
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  widths: number[] = [],
): string[] {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
  columns.forEach(({ title }, index) => {
    const column = cells.map((row) => widestLine(row[index] ?? ''));
    widths[index] = Math.max(widths[index] ?? 0, title.length, ...column);
  });
  return cells.map((row) => alignedRow(row, widths));
}

/** The line with the titles. */
export function titleLine<Row>(columns: readonly Column<Row>[], widths: readonly number[]): string {
  return alignedRow(
    columns.map(({ title }) => title),
    widths,
  );
}

/** Titles and rows. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
  const widths: number[] = [];
  const lines = tableLines(columns, rows, widths);
  return [titleLine(columns, widths), ...lines];
}

function alignedRow(cells: readonly string[], widths: readonly number[]): string {
  const starts = cells.map((_, index) => widths.slice(0, index).reduce((sum, width) => sum + width + gap, 0));
  const padded = cells.map((cell, index) => padTo((widths[index] ?? 0) + gap, indent(cell, starts[index] ?? 0)));
  return padded.join('').trimEnd();
}

function indent(cell: string, columns: number): string {
  return cell.trimEnd().replaceAll('\n', `\n${' '.repeat(columns)}`);
}

function padTo(width: number, text: string): string {
  return text + ' '.repeat(Math.max(0, width - visibleWidth(text)));
}

function widestLine(text: string): number {
  return Math.max(0, ...text.split('\n').map(visibleWidth));
}

/** Colours take no room. */
export function visibleWidth(text: string): number {
  return stripVTControlCharacters(text).length;
}

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold';

/** The text in a colour, on a terminal that wants colours (NO_COLOR is honoured). */
export function coloured(colour: Colour, text: string): string {
  return styleText(colour, text, { stream: process.stdout });
}
