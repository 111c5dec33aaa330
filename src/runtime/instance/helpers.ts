import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Instance } from '../instance.ts';
import { findProcesses, processArguments } from './proc.ts';
import { isOurs, isShell } from './start-command.ts';

/**
 * The processes around a container: the shell, crun, and the hook that waits for a verdict. They are told by their arguments. Another
 * hob, in a container of its own, may use the same names, so they must also see the same run directory under its name.
 */

/** Looks at every process of the host: some 10 microseconds each. */
export const findHelpers = (bundle: string): number[] =>
  findProcesses((args) => isOurs(args, bundle)).filter((pid) => seesRunDirOf(pid, bundle));

export const isHelper = (pid: number, bundle: string): boolean =>
  isOurs(processArguments(pid), bundle) && seesRunDirOf(pid, bundle);

/** Whether the shell that will say crun's exit code still runs. */
export const hasShell = ({ facts: { shellPid }, paths }: Instance): boolean =>
  shellPid !== undefined && isShell(processArguments(shellPid), paths);

function seesRunDirOf(pid: number, bundle: string): boolean {
  const runDir = dirname(dirname(bundle));
  try {
    const [seen, own] = [statSync(`/proc/${pid}/root${runDir}`), statSync(runDir)];
    return seen.dev === own.dev && seen.ino === own.ino;
  } catch {
    return false;
  }
}
