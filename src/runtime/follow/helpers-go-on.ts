import { closeSync } from 'node:fs';
import { openPidfd, signalPidfd } from '../../host/libc.ts';
import { findHelpers } from '../instance/helpers.ts';
import type { Instance } from '../instance.ts';
import { processStat } from '../instance/proc.ts';
import { signalNumber } from '../signal-names.ts';

/**
 * Let the shell and crun of an instance go on, where somebody has stopped them (SIGSTOP): the container has ended, and they have yet to say
 * how. Looks at every process of the host.
 * @returns the processes that were stopped
 */
export function letHelpersGoOn({ paths }: Instance): number[] {
  return findHelpers(paths.directory).filter((pid) => {
    const pidfd = openPidfd(pid);
    if (pidfd === undefined) return false;
    const isStopped = processStat(pid)?.state === 'T';
    if (isStopped) signalPidfd(pidfd, signalNumber('SIGCONT'));
    closeSync(pidfd);
    return isStopped;
  });
}
