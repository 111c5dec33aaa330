import { join } from 'node:path';
import type { InstancePaths } from './paths.ts';

/**
 * The command lines that outlive hob: fixed text, everything that differs comes as positional arguments.
 */

/**
 * Says its pid, runs crun, says crun's exit code. Of two shells for one instance only the first does anything: the file is made
 * exclusively, so hob may ask for a start again when it doesn't know what became of the first. Both lines go to one file, because a
 * file system that got full meanwhile still has room for the second line in the block of the first.
 */
const shellLine = 'set -C; { echo $$ >"$0"; } 2>/dev/null || exit 0; "$@"; echo $? >>"$0"';

/**
 * Says that the container was created, and waits for the verdict; builtins only. Its end of the FIFO is open before anybody can know that
 * it waits, so no answer gets lost, and it is open for writing too, so it goes on waiting while hob is away.
 */
const hookLine =
  'exec 3<>"$2" || exit 1; read -r state; printf "%s\\n" "$state" >"$1" || exit 1; read -r verdict <&3; [ "$verdict" = go ] || exit 100';

/** What the hook exits with when the verdict was bad, and what crun then says. */
export const refusalPattern = /error executing hook `\/bin\/sh` \(exit code: 100\)/;

export const goAhead = 'go\n';
export const refusal = 'no\n';

/** crun's foreground `run`, with the shell around it. */
export function startCommand(crun: string, crunRoot: string, id: string, paths: InstancePaths, fdCount = 0): string[] {
  return ['/bin/sh', '-c', shellLine, paths.signals.shell, ...crunRun(crun, crunRoot, id, paths, fdCount)];
}

function crunRun(crun: string, crunRoot: string, id: string, paths: InstancePaths, fdCount: number): string[] {
  const log = ['--log', `file:${paths.crunLog}`, '--log-format', 'json'];
  const fds = fdCount > 0 ? ['--preserve-fds', String(fdCount)] : [];
  return [crun, '--root', crunRoot, ...log, 'run', '--pid-file', paths.signals.pid, ...fds, '-b', paths.directory, id];
}

/** The OCI hook entry for `createRuntime`. */
export function preStartHook(paths: InstancePaths): { path: string; args: string[] } {
  return { path: '/bin/sh', args: ['sh', '-c', hookLine, 'sh', paths.signals.created, paths.verdict] };
}

/** Whether a process with these arguments is a shell, a crun or a hook that hob had started for the container with this bundle. */
export function isOurs(args: readonly string[], bundle: string): boolean {
  if (args[2] === hookLine) return args[5] === join(bundle, 'verdict');
  return (args[2] === shellLine || args.includes('run')) && args[args.indexOf('-b') + 1] === bundle;
}

/** Whether it is the crun of this very instance. */
export const isCrunOf = (args: readonly string[], paths: InstancePaths): boolean =>
  args[2] !== shellLine && args[args.indexOf('--pid-file') + 1] === paths.signals.pid;

/** Whether it is the shell of this very instance. */
export const isShell = (args: readonly string[], paths: InstancePaths): boolean =>
  args[2] === shellLine && args[3] === paths.signals.shell;
