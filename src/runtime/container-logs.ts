import { watchLog } from './logs/changes.ts';
import { openLogFiles, readRecords, type OpenLogFile } from './logs/files.ts';
import { assembleLines, endsLine, type LogLine } from './logs/records.ts';
import { findTail } from './logs/tail.ts';

export type { LogLine } from './logs/records.ts';

export interface ReadLinesOptions {
  /** The current log file; rotated ones are beside it as PATH.1, PATH.2, ... Nothing is read, and nothing wrong, when there is none. */
  readonly path: string;
  /** The current one included. */
  readonly maxFiles: number;
  /** Only the last so many lines, before `sinceTime` takes any away. */
  readonly tail?: number;
  /** Go on with what comes, until `signal` fires. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** When it fires, nothing more is waited for: what is there is read to its end. */
  readonly over?: AbortSignal;
}

export interface ReadLogOptions extends ReadLinesOptions {
  readonly sinceTime?: Date;
}

/** Whether the record that begins with these bytes is the last of its line. */
type EndsLine = (head: Buffer) => boolean;

/** Times of files are coarser than those in logs. */
const clockGrainMs = 1000;

/** Read a container's log, oldest line first. Ends when `signal` fires, without an error; rejects when a file cannot be read. */
export async function* readLog(options: ReadLogOptions): AsyncGenerator<LogLine, void, undefined> {
  const { sinceTime, follow = false, signal } = options;
  const since = sinceTime ? `${sinceTime.toISOString().slice(0, -1)}000000Z` : '';
  const lines = assembleLines();
  for await (const records of readFiles(options, endsLine)) {
    for (const record of records) {
      const line = lines.add(record);
      if (signal?.aborted) return;
      if (line && line.time >= since) yield line;
    }
  }
  if (!follow) yield* lines.rest().filter(({ time }) => time >= since);
}

/** Read a log whose lines are not records of output but stand for themselves; like `readLog` in everything else. */
export async function* readLines(options: ReadLinesOptions): AsyncGenerator<Buffer, void, undefined> {
  for await (const lines of readFiles(options, () => true)) {
    if (options.signal?.aborted) return;
    yield* lines;
  }
}

/** All records of all files in their order, many at a time. */
async function* readFiles(options: ReadLogOptions, ends: EndsLine): AsyncGenerator<Buffer[], void, undefined> {
  const { path, maxFiles, follow, signal, over } = options;
  const changes = follow
    ? watchLog(path, AbortSignal.any([signal, over].filter((each) => each !== undefined)))
    : undefined;
  const seen = new Set<string>();
  let files: OpenLogFile[] = [];
  try {
    files = await openLogFiles(path, maxFiles, seen);
    await skip(files, options, ends);
    for (;;) {
      const isLastLook = over?.aborted;
      for (const file of files) yield* readRecords(file);
      if (!changes || isLastLook) return;
      files = await keepLast(files);
      await changes.next();
      if (signal?.aborted) return;
      // What is in the file that was the last comes first; when there is a newer one, nothing more comes after that.
      files.push(...(await openLogFiles(path, maxFiles, seen)));
    }
  } finally {
    changes?.stop();
    await Promise.all(files.map(({ file }) => file.close()));
  }
}

async function skip(files: readonly OpenLogFile[], { tail, sinceTime }: ReadLogOptions, ends: EndsLine): Promise<void> {
  if (tail !== undefined) await moveToTail(files, tail, ends);
  else if (sinceTime) await skipOlder(files, sinceTime);
}

async function keepLast(files: readonly OpenLogFile[]): Promise<OpenLogFile[]> {
  await Promise.all(files.slice(0, -1).map(({ file }) => file.close()));
  return files.slice(-1);
}

/** Set the positions so that only the last lines are read. */
async function moveToTail(files: readonly OpenLogFile[], lines: number, ends: EndsLine): Promise<void> {
  let missing = lines;
  let isReached = false;
  for (const log of files.toReversed()) {
    const wanted = isReached ? undefined : await findTail(log.file, missing, log === files.at(-1), ends);
    log.position = wanted?.start ?? (await log.file.stat()).size;
    missing -= wanted?.found ?? 0;
    // A line that begins at the start of a file may have begun in the one before.
    isReached ||= log.position > 0;
  }
}

/** Set the positions so that files are not read that were written before. Nothing in a file is younger than its last change. */
async function skipOlder(files: readonly OpenLogFile[], sinceTime: Date): Promise<void> {
  for (const log of files) {
    if (log.modified + clockGrainMs < sinceTime.getTime()) log.position = (await log.file.stat()).size;
  }
}
