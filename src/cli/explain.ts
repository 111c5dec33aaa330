import { explain } from '../api/explain.ts';
import { wordsOf } from '../host/errors.ts';
import { parse } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';

export const help = `Say what the fields of a Container are for.

Usage:
  hob explain [FIELD]

Examples:
  hob explain                   # the Container itself
  hob explain spec.resources    # one field, and what is in it
`;

export async function run(args: string[]): Promise<number> {
  const { positionals } = parse('explain', args, {});
  const [field = '', ...more] = positionals;
  if (more.length > 0) throw usageError('explain', 'one field at a time, with dots: spec.resources.memory');
  process.stdout.write(explained(field));
  return 0;
}

function explained(field: string): string {
  try {
    return explain(field);
  } catch (error) {
    throw new CliError(wordsOf(error), undefined, { cause: error });
  }
}
