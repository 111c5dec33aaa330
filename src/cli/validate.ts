import { key } from '../api/container.ts';
import { formatMistake, parseSpecs } from '../api/parse.ts';
import { parse } from './arguments.ts';
import { usageError } from './cli-error.ts';
import { print, remark } from './output.ts';
import { readSpecFiles } from './spec-files.ts';

export const help = `Check specs, without a hob: all that is wrong, with line and column. The exit code is 1 when something is.

Usage:
  hob validate FILE|FOLDER|-...

Examples:
  hob validate web.yaml
  hob validate manifests/          # all specs beneath a folder
  generate-specs | hob validate -
`;

export async function run(args: string[]): Promise<number> {
  const { positionals } = parse('validate', args, {});
  if (positionals.length === 0) throw usageError('validate', 'the name of a file is missing');
  const declaredIn = new Map<string, string>();
  let mistakes = 0;
  for (const { origin, text } of readSpecFiles(positionals)) {
    const found = parseSpecs(text, origin);
    const problems = found.mistakes.map(formatMistake);
    for (const { metadata } of found.containers) {
      const first = declaredIn.get(key(metadata));
      if (first !== undefined && first !== origin)
        problems.push(`${origin}: container ${key(metadata)} is declared in ${first} already`);
      else declaredIn.set(key(metadata), origin);
    }
    for (const problem of problems) remark(problem);
    if (problems.length === 0)
      print(`${origin}: valid (${found.containers.map(({ metadata }) => metadata.name).join(', ')})`);
    mistakes += problems.length;
  }
  return mistakes > 0 ? 1 : 0;
}
