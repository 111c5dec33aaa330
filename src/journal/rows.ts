import type { SQLOutputValue } from 'node:sqlite';

/** One row as SQLite hands it out. The tables are STRICT, so a column has the type it was declared with. */
export type Row = Record<string, SQLOutputValue>;

export function text(row: Row, column: string): string {
  return String(row[column] ?? '');
}

export function number(row: Row, column: string): number {
  return Number(row[column] ?? 0);
}

/** `{ [key]: text }`, or nothing at all where the column is NULL. */
export function optionalText<Key extends string>(row: Row, column: string, key: Key): { [K in Key]?: string } {
  const value = row[column];
  const result: { [K in Key]?: string } = {};
  if (typeof value === 'string') result[key] = value;
  return result;
}

/** The member of a closed set that the column holds. @throws Error when it holds something else */
export function oneOf<Member extends string>(row: Row, column: string, members: readonly Member[]): Member {
  const value = row[column];
  const member = members.find((each) => each === value);
  if (member === undefined) throw new Error(`${column} is ${JSON.stringify(value)}, not one of ${members.join(', ')}`);
  return member;
}
