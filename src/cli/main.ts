import { codeOf, wordsOf } from '../host/errors.ts';
import { HelpAsked } from './arguments.ts';
import { CliError, suggestion } from './cli-error.ts';
import { overview, verbs } from './verbs.ts';

/** What a terminal or a pipe that was closed ends other programs with: 128 + SIGPIPE, which Node ignores. */
const brokenPipe = 141;

process.stdout.on('error', (error) => {
  if (codeOf(error) === 'EPIPE') process.exit(brokenPipe);
  // The terminal is gone: there is nobody to tell, and no reason for `hob run` to end otherwise than by its signal.
  if (codeOf(error) !== 'EIO') throw error;
});

async function main([word = 'help', ...args]: string[]): Promise<number> {
  if (word === 'help' || word === '--help' || word === '-h') return help(args[0]);
  const name = word === '--version' ? 'version' : word;
  const verb = verbs.find((each) => each.name === name);
  if (!verb) throw unknownVerb(name);
  const { run, help: text } = await verb.load();
  try {
    return await run(args);
  } catch (error) {
    if (error instanceof HelpAsked) return print(text);
    throw error;
  }
}

async function help(name: string | undefined): Promise<number> {
  if (name === undefined || name.startsWith('-')) return print(overview());
  const verb = verbs.find((each) => each.name === name);
  if (!verb) throw unknownVerb(name);
  return print((await verb.load()).help);
}

function unknownVerb(name: string): CliError {
  const names = verbs.map((each) => each.name);
  return new CliError(`unknown command "${name}"${suggestion(name, names)}\nRun 'hob help' for what there is.`);
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

function complain(error: unknown): number {
  const isExpected = error instanceof CliError;
  process.stderr.write(`${isExpected ? error.prefix : 'error: '}${wordsOf(error)}\n`);
  if (!isExpected && process.env['HOB_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return 1;
}

/** A reader that is slower than hob gets all of it, too: what is long waits in memory when it goes to a socket. */
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => void stream.write('', () => resolve()));

const code = await main(process.argv.slice(2)).catch(complain);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
// A connection that is still open must not keep the process.
process.exit(code);
