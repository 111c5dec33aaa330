import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** In the environment of every program that is run, and of all that it starts. */
const mark = 'HOB_RUN';

/** What cannot be removed now. */
const tryAgainMs = 1_000;

/**
 * The programs that are being run, for the keeper after this one: an empty file each. Whoever asked for a run hears that it is lost when
 * the keeper dies, and may ask again: the lost one must not run on beside it. The file is there before the program, which carries its
 * name, so there is no moment at which a program runs that nobody would find.
 */
export interface RunRecords {
  /** Never throws: what cannot be recorded is only not ended by the next keeper. */
  begin(): RunRecord;
  /** Kill what an earlier keeper ran when it died, with all that carries its mark. Never throws. */
  endLeft(): void;
}

export interface RunRecord {
  /** For the program. */
  readonly env: Readonly<Record<string, string>>;
  /** It has ended, or was never started. */
  readonly forget: () => void;
}

export function runRecords(directory: string): RunRecords {
  const keeper = `${process.pid}-${Math.round(performance.timeOrigin * 1000)}`;
  let count = 0;
  /** What is over, until its file is gone. */
  const over = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  function removeOver(): void {
    for (const path of over)
      tryTo(() => {
        rmSync(path, { force: true });
        over.delete(path);
      });
    clearTimeout(timer);
    if (over.size > 0) timer = setTimeout(removeOver, tryAgainMs).unref();
  }

  function forget(path: string): void {
    over.add(path);
    removeOver();
  }

  return {
    begin() {
      const name = `${keeper}-${(count += 1)}`;
      const path = join(directory, name);
      tryTo(() => writeFileSync(path, ''));
      return { env: { [mark]: name }, forget: () => forget(path) };
    },
    endLeft() {
      tryTo(() => mkdirSync(directory, { mode: 0o700 }));
      const left = new Set(namesIn(directory));
      if (left.size > 0) endMarked(left);
      for (const name of left) over.add(join(directory, name));
      removeOver();
    },
  };
}

/** Their process groups, too: what has taken the mark out of its environment is still in one. */
function endMarked(names: ReadonlySet<string>): void {
  for (const pid of namesIn('/proc').map(Number).filter(Boolean)) {
    const marked = readOrNothing(`/proc/${pid}/environ`)
      .split('\0')
      .find((variable) => variable.startsWith(`${mark}=`));
    if (marked === undefined || !names.has(marked.slice(mark.length + 1))) continue;
    const group = groupOf(pid);
    tryTo(() => process.kill(group > 1 ? -group : pid, 'SIGKILL'));
  }
}

/** The second field of the file, the program's name, may hold anything; this is the third after it. */
function groupOf(pid: number): number {
  const stat = readOrNothing(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1');
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
