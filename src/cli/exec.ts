import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { ExecAnswer } from '../api/wire.ts';
import { namespaceFlag, parse } from './arguments.ts';
import { CliError, usageError } from './cli-error.ts';
import { connectTo } from './client.ts';
import { socketPath } from './directories.ts';
import { containersPath, oneContainerName } from './names.ts';
import { remark } from './output.ts';

export const help = `Run a command in a container. Its exit code is the command's.

Usage:
  hob exec NAME [flags] -- COMMAND [ARGUMENT...]

Examples:
  hob exec web -- ls -l /            # one command
  hob exec -it web -- /bin/sh        # a shell
  echo hello | hob exec -i web -- cat

Flags:
  -n, --namespace NAME   the namespace (default "default")
  -i, --stdin            hand standard input on
  -t, --tty              give the command a terminal
      --user UID[:GID]   who it runs as (default: as the container's command)
      --cwd DIR          where it starts, in the container
      --env NAME=VALUE   a further environment variable; may be repeated
      --run-dir DIR      where the running hob is (default /run/hob, or HOB_RUN_DIR)
`;

const flags = {
  ...namespaceFlag,
  stdin: { type: 'boolean', short: 'i', default: false },
  tty: { type: 'boolean', short: 't', default: false },
  user: { type: 'string' },
  cwd: { type: 'string' },
  env: { type: 'string', multiple: true },
} as const;

export async function run(args: string[]): Promise<number> {
  const [own, command] = splitCommand(args);
  const { values, positionals } = parse('exec', own, flags);
  const name = oneContainerName('exec', positionals);
  if (command.length === 0) throw usageError('exec', 'you must specify at least one command for the container');
  const tty = values.tty && hasTerminal();
  const { user, cwd, env } = values;
  const path = `${containersPath(values.namespace, name)}/exec`;
  const request = JSON.stringify({ command, tty, user, cwd, env });
  const answer = await connectTo(socketPath(values)).json<ExecAnswer>('POST', path, request);
  if (!values.stdin) replaceInputByNothing();
  return become(answer);
}

/** What is hob's, and what is the command: all after `--`, or after the name where there is none. */
function splitCommand(args: string[]): [string[], string[]] {
  const dashes = args.indexOf('--');
  if (dashes >= 0) return [args.slice(0, dashes), args.slice(dashes + 1)];
  const { tokens } = parseArgs({ args, options: flags, allowPositionals: true, strict: false, tokens: true });
  const [, command] = tokens.filter(({ kind }) => kind === 'positional');
  return command ? [args.slice(0, command.index), args.slice(command.index)] : [args, []];
}

function hasTerminal(): boolean {
  if (process.stdin.isTTY) return true;
  remark('Unable to use a TTY: input is not a terminal');
  return false;
}

/** The lowest free descriptor is the next one given out. */
function replaceInputByNothing(): void {
  closeSync(0);
  openSync('/dev/null', 'r');
}

/** Turn into the runtime's own command: terminal, window size, signals and exit code are then its, with nothing in between. */
function become({ argv, mountNamespacePid }: ExecAnswer): never {
  const whole =
    mountNamespacePid === undefined ? argv : ['nsenter', '-t', String(mountNamespacePid), '-m', '--', ...argv];
  const [program = ''] = whole;
  if (!process.execve) throw new CliError('this Node cannot execute another program in its place');
  return process.execve(findProgram(program), [...whole], process.env);
}

function findProgram(program: string): string {
  if (program.includes('/')) return program;
  const places = (process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(delimiter);
  const found = places.map((place) => join(place, program)).find(isExecutable);
  if (found === undefined) throw new CliError(`${program} is not in PATH; install it, or add its directory to PATH`);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
