import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The programs that are being run, for the keeper after this one: an empty file each, named `PID.STARTTIME`. Whoever asked for a run hears that
 * it is lost when the keeper dies, and may ask again: the lost one must not run on beside it.
 */
export interface RunRecords {
  /** Returns how to forget it. Never throws: what cannot be recorded is only not ended by the next keeper. */
  add(pid: number): () => void;
  /** Kill what an earlier keeper ran when it died, with its process group. Never throws. A group whose first process has ended is left alone: it can't be told from others. */
  endLeft(): void;
}

export function runRecords(directory: string): RunRecords {
  return {
    add(pid) {
      const path = join(directory, `${pid}.${startTimeOf(pid)}`);
      tryTo(() => writeFileSync(path, ''));
      return () => tryTo(() => rmSync(path, { force: true }));
    },
    endLeft() {
      tryTo(() => mkdirSync(directory, { mode: 0o700 }));
      for (const name of namesIn(directory)) {
        tryTo(() => endGroup(name));
        tryTo(() => rmSync(join(directory, name)));
      }
    },
  };
}

function endGroup(name: string): void {
  const [pid = 0, startTime] = name.split('.').map(Number);
  if (pid > 1 && startTimeOf(pid) === String(startTime)) process.kill(-pid, 'SIGKILL');
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** In clock ticks since boot: with the pid, the process's identity. Empty when there is none. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field, the program's name, may hold anything; this is the twentieth after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

function tryTo(action: () => void): void {
  try {
    action();
  } catch {
    // A full disk, a directory that is there, or a process that went by itself.
  }
}
