import { parse } from './arguments.ts';
import { suggestion, usageError } from './cli-error.ts';
import { print } from './output.ts';
import { makeSkeleton } from './plugin-new.ts';
import { testPlugins } from './plugin-test.ts';

export const help = `Make a plugin of one's own, and run its tests. Neither needs a hob that runs.

Usage:
  hob plugin new NAME [flags]    # a folder NAME with a plugin that works, and a test of it
  hob plugin test [PATH]         # run the tests in a folder (default: this one) or file

Examples:
  hob plugin new greeter
  hob plugin new greeter --exec --dir /srv/plugins
  hob plugin test greeter

Flags of new:
      --exec     an executable (a shell script) in place of an ES module
      --dir DIR  where the folder NAME is made (default: here)

Tests are files NAME.test.mjs, .js or .ts for node:test, in which hob/testing and the other names that hob offers can be imported
wherever they lie. The exit code is 1 when one fails. What there is already is shown by 'hob plugins'.
`;

const words = ['new', 'test'];

export async function run(args: string[]): Promise<number> {
  const { values, positionals } = parse('plugin', args, {
    exec: { type: 'boolean', default: false },
    dir: { type: 'string' },
  });
  const [word, subject, ...more] = positionals;
  if (word === undefined) throw usageError('plugin', 'say what to do: hob plugin new NAME, or hob plugin test [PATH]');
  if (!words.includes(word)) throw usageError('plugin', `unknown command "plugin ${word}"${suggestion(word, words)}`);
  if (more.length > 0) throw usageError('plugin', `one at a time: ${[subject, ...more].join(' ')}`);
  if (word === 'new') return announce(subject, values);
  if (values.exec || values.dir !== undefined) throw usageError('plugin', '--exec and --dir are flags of new');
  return testPlugins(subject ?? '.');
}

function announce(name: string | undefined, { exec, dir = '.' }: { exec: boolean; dir?: string | undefined }): number {
  if (name === undefined) throw usageError('plugin', 'the name of the plugin is missing');
  const { folder, files } = makeSkeleton({ name, dir, isExecutable: exec });
  for (const file of files) print(`created ${file}`);
  const steps = [
    [`hob plugin test ${folder}`, 'try it, without containers'],
    [`cp -r ${folder} /etc/hob/plugins/`, 'or where hob run --plugins says; hob need not be started again'],
    [`hob plugins ${name}`, 'see whether hob can use it'],
  ] as const;
  const width = Math.max(...steps.map(([command]) => command.length));
  print(`
Next:
${steps.map(([command, what]) => `  ${command.padEnd(width)}   # ${what}`).join('\n')}

And in the spec of a container:
  plugins:
    - name: ${name}
      data: { greeting: good day }`);
  return 0;
}
