import { formatMistake } from '../api/parse.ts';
import type { ApplyResult, ObjectList } from '../api/wire.ts';
import { parse } from './arguments.ts';
import { usageError } from './cli-error.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { print, remark } from './output.ts';
import { readSpecFiles } from './spec-files.ts';

export const help = `Hand specs to the running hob, which keeps them: containers are made, changed, or left as they are.

Usage:
  hob apply -f FILE|FOLDER|-...

Examples:
  hob apply -f web.yaml
  hob apply -f manifests/
  generate-specs | hob apply -f -

Flags:
  -f, --filename FILE  a file, a folder with specs, or - for standard input; may be repeated
      --run-dir DIR    where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('apply', args, { filename: { type: 'string', short: 'f', multiple: true } });
  if (!values.filename || positionals.length > 0) throw usageError('apply', 'specs come with -f FILE');
  const client = connectTo(socketPath(values));
  let failures = 0;
  for (const { origin, text } of readSpecFiles(values.filename)) {
    const path = `/apply?origin=${encodeURIComponent(origin)}`;
    const { items } = await client.json<ObjectList<ApplyResult>>('POST', path, text);
    for (const result of items) failures += report(result, origin) ? 0 : 1;
  }
  return failures > 0 ? 1 : 0;
}

/** Answers whether it worked. */
function report({ outcome, name, message, mistakes = [] }: ApplyResult, origin: string): boolean {
  if (outcome === 'invalid') mistakes.forEach((mistake) => remark(formatMistake(mistake)));
  else if (outcome === 'refused') remark(`error: ${origin}: container.hob.dev/${name} was not taken: ${message}`);
  else print(`container.hob.dev/${name} ${outcome}`);
  return outcome !== 'invalid' && outcome !== 'refused';
}
