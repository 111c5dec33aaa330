/** Who keeps a mount namespace alive that an earlier hob made. */

import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { detectCgroups } from './cgroups.ts';

/**
 * The processes of an earlier hob of this run directory that live in another mount namespace where crun works: the keeper, then the
 * shells around crun.
 * @param runDir absolute; it is part of the command line of each of them
 */
export function* holdersOf(runDir: string): Generator<number> {
  for (const file of [join(runDir, 'keeper.pid'), ...shellFilesIn(join(runDir, 'signals'))]) {
    const pid = pidIn(file);
    if (pid !== undefined && isHolder(pid, runDir)) yield pid;
  }
}

/** The pid may have gone to another process since it was written down, even to one in a container. */
function isHolder(pid: number, runDir: string): boolean {
  try {
    return (
      namesPathIn(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), runDir) &&
      statSync(`/proc/${pid}`).uid === process.geteuid?.() &&
      ['user', 'pid'].every((kind) => namespaceOf(pid, kind) === namespaceOf('self', kind)) &&
      namespaceOf(pid, 'mnt') !== namespaceOf('self', 'mnt') &&
      detectCgroups(undefined, readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).version === 'v1'
    );
  } catch {
    return false;
  }
}

/** Not of a directory whose name only begins alike: that is another hob's. */
const namesPathIn = (commandLine: string, directory: string): boolean =>
  commandLine.split('\0').some((argument) => `${argument}/`.startsWith(`${directory}/`));

/** The namespace's own name, like `mnt:[4026532177]`. */
export const namespaceOf = (pid: number | 'self', kind: string): string => readlinkSync(`/proc/${pid}/ns/${kind}`);

function pidIn(file: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(file, 'latin1'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function shellFilesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith('.shell'));
  return names.map((name) => join(directory, name));
}
