import { doesNotMatch, match, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll, it } from 'vitest';
import { HelpAsked, namespaceFlag, parse } from '../../src/cli/arguments.ts';
import { CliError } from '../../src/cli/cli-error.ts';
import { verbs } from '../../src/cli/verbs.ts';
import { servedHob, type ServedHob } from '../fixtures/served-hob.ts';
import { holds, mutatedText, patience } from '../support/fuzz.ts';

const words = [
  'web',
  '-n',
  'team',
  '--namespace',
  '-o',
  'json',
  '--output=yaml',
  '-l',
  'app=web',
  '--tail',
  '5',
  '--',
  '-',
  '--help',
  '-f',
  '--watch',
  '-x',
  '--no-follow',
];
const word = fc.oneof(
  { arbitrary: fc.constantFrom(...words), weight: 3 },
  { arbitrary: mutatedText(...words), weight: 2 },
  {
    arbitrary: fc.constantFrom('--__proto__', '--toString=1', '--constructor', '---', '', '=', '-=', '--=x'),
    weight: 1,
  },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 10 }), weight: 1 },
);
const line = fc.array(word, { maxLength: 6 });

it(
  'any command line is taken apart, or is refused in words',
  () =>
    holds(line, 8000, (args) => {
      try {
        const { values, positionals } = parse('get', [...args], {
          ...namespaceFlag,
          output: { type: 'string', short: 'o' },
          watch: { type: 'boolean', short: 'w' },
        });
        ok(positionals.every((each) => typeof each === 'string') && typeof values.namespace === 'string');
      } catch (error) {
        if (error instanceof HelpAsked) return;
        ok(error instanceof CliError, String(error));
        match(error.message, /See 'hob get --help' for usage\.$/);
      }
    }),
  patience,
);

let hob: ServedHob;
beforeAll(async () => {
  hob = await servedHob();
});
afterAll(() => hob.dispose());

/** Those that come to an end by themselves, and touch nothing but the hob that is asked. */
const safe = [
  'get',
  'describe',
  'logs',
  'events',
  'plugins',
  'sources',
  'explain',
  'version',
  'help',
  'delete',
  'nonsense',
];

it(
  'whatever the command line is, hob ends with words and a code, and never with the place in its own code',
  async () => {
    ok(safe.filter((name) => verbs.some((verb) => verb.name === name)).length === safe.length - 2);
    // What watches, or follows, does not end.
    const ends = (each: string): boolean => !each.includes('\0') && !/^-\w*[wf]|^--(w|f)/.test(each);
    await holds(fc.tuple(fc.constantFrom(...safe), line), 14, async ([verb, args]) => {
      const { code, stdout, stderr } = await hob.cli(verb, ...args.filter(ends));
      ok(code === 0 || code === 1, `${code}: ${stderr}`);
      ok(code === 0 || stderr.length > 5);
      doesNotMatch(stdout + stderr, /^ {4}at |TypeError|node:internal/m);
    });
  },
  patience,
);
