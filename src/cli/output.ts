import type { ObjectList } from '../api/wire.ts';
import { usageError } from './cli-error.ts';

/** What `-o` knows. */
const outputFormats = ['wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** For verbs that show objects. */
export const outputFlag = { output: { type: 'string', short: 'o' } } as const;

/** The format asked for; undefined when none was. @throws CliError for one that there isn't */
export function outputFormat(verb: string, text: string | undefined): OutputFormat | undefined {
  if (text === undefined) return undefined;
  const wanted = text.replace(/^=/, '');
  const format = outputFormats.find((each) => each === wanted);
  if (format) return format;
  throw usageError(
    verb,
    `unable to match a printer suitable for the output format "${wanted}", allowed formats are: ${outputFormats.join(',')}`,
  );
}

/** A value as JSON or YAML, as kubectl lays it out. */
export async function serialized(value: object, format: 'json' | 'yaml'): Promise<string> {
  if (format === 'json') return `${JSON.stringify(value, null, 4)}\n`;
  // Loaded only here: it takes a third of the time that the whole command has.
  const { stringify } = await import('yaml');
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Several objects as one, in kubectl's shape. */
export function listOf<Item>(items: readonly Item[]): ObjectList<Item> {
  return { apiVersion: 'v1', kind: 'List', items };
}

/** One line, or several, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** One line for people that is no part of the result. */
export function remark(text: string): void {
  process.stderr.write(`${text}\n`);
}
