import type { ParseArgsOptionsConfig } from 'node:util';
import { parseArgs } from 'node:util';
import { wordsOf } from '../host/errors.ts';
import { suggestion, usageError } from './cli-error.ts';

/** Flags that every verb takes. */
const common = {
  help: { type: 'boolean', short: 'h' },
  'run-dir': { type: 'string' },
} as const satisfies ParseArgsOptionsConfig;

/** The flag for the namespace, for verbs that name containers. */
export const namespaceFlag = { namespace: { type: 'string', short: 'n', default: 'default' } } as const;

type Flags<Options> = typeof common & Options;
type Parsed<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Flags<Options>; allowPositionals: true; strict: true }>
>;

/**
 * Take a verb's command line apart: its own flags, those of every verb, and what is no flag.
 * @throws CliError that names the flag meant, and the help of the verb; HelpAsked for --help
 */
export function parse<const Options extends ParseArgsOptionsConfig>(
  verb: string,
  args: string[],
  flags: Options,
): Parsed<Options> {
  const options = { ...common, ...flags };
  refuseUnknown(verb, args, options);
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(verb, firstSentence(wordsOf(error)));
  }
}

/** Thrown when the help of the verb is wanted instead of what it does. */
export class HelpAsked extends Error {}

/** Node would say it too, but not what was meant. */
function refuseUnknown(verb: string, args: string[], known: ParseArgsOptionsConfig): void {
  const { tokens } = parseArgs({ args, options: known, allowPositionals: true, strict: false, tokens: true });
  if (tokens.some((token) => token.kind === 'option' && token.name === 'help')) throw new HelpAsked();
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name in known) continue;
    throw usageError(verb, `unknown flag: ${token.rawName}${suggestion(token.name, Object.keys(known), '--')}`);
  }
}

function firstSentence(words: string): string {
  const [sentence = words] = words.split(/\. |\n/);
  return sentence.replace(/\.$/, '');
}
