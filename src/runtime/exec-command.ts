import { join } from 'node:path';
import { crunRoot, instancesDirectory, safeID } from './instance/paths.ts';
import { asRecord, parseRecord } from './json.ts';
import { readSmall } from './small-file.ts';

/** What to run in a container that runs already. */
export interface ExecOptions {
  readonly runDir: string;
  /** A path, or a name to look for in PATH. "crun" by default. */
  readonly crunPath?: string;
  readonly id: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  /** `uid` or `uid:gid`. */
  readonly user?: string;
  /** Absolute, in the container. */
  readonly cwd?: string;
  /** `NAME=value` each, beside the container's own environment. */
  readonly env?: readonly string[];
}

/**
 * The command line that runs something in a container, for whoever asks to become. It has to run where crun sees the cgroups that
 * the container was made in: in hob's mount namespace.
 */
export function execCommand(options: ExecOptions): string[] {
  const { runDir, crunPath = 'crun', id, command } = options;
  return [crunPath, '--root', crunRoot(runDir), 'exec', ...execFlags(options), safeID(id), ...command];
}

function execFlags({ runDir, id, tty, user, cwd, env = [] }: ExecOptions): string[] {
  // Given one variable, crun before 1.28 forgets the container's own.
  const whole = env.length === 0 ? [] : [...containerEnv(runDir, id), ...env];
  return [
    ...(tty ? ['--tty'] : []),
    ...(cwd === undefined ? [] : ['--cwd', cwd]),
    ...(user === undefined ? [] : ['--user', user]),
    ...whole.flatMap((assignment) => ['--env', assignment]),
  ];
}

function containerEnv(runDir: string, id: string): string[] {
  const config = parseRecord(readSmall(join(instancesDirectory(runDir), safeID(id), 'config.json')));
  const { env } = asRecord(config['process']);
  return Array.isArray(env) ? env.filter((assignment) => typeof assignment === 'string') : [];
}
