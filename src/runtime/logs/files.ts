import { open, type FileHandle } from 'node:fs/promises';
import { codeOf } from '../../host/errors.ts';

/** One file of a log, and how far it has been read. */
export interface OpenLogFile {
  readonly file: FileHandle;
  /** Of its last change, in milliseconds. */
  readonly modified: number;
  position: number;
}

/**
 * Open the files of a log that have not been seen before, oldest first.
 * @param seen knows files for what they are, whatever their names are by now; new ones are added
 */
export async function openLogFiles(path: string, maxFiles: number, seen: Set<string>): Promise<OpenLogFile[]> {
  const files: OpenLogFile[] = [];
  // Newest first: a file that is renamed meanwhile is then met twice, and not missed.
  try {
    for (let age = 0; age < maxFiles; age++) {
      const file = await openIfThere(age === 0 ? path : `${path}.${age}`);
      const opened = file && (await openUnseen(file, seen));
      if (opened) files.unshift(opened);
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ file }) => file.close()));
    throw error;
  }
}

async function openUnseen(file: FileHandle, seen: Set<string>): Promise<OpenLogFile | undefined> {
  const { dev, ino, birthtimeNs, mtimeMs } = await file.stat({ bigint: true });
  // The number of a removed file may be given to a new one.
  const identity = `${dev}:${ino}:${birthtimeNs}`;
  if (seen.has(identity)) {
    await file.close();
    return undefined;
  }
  seen.add(identity);
  return { file, modified: Number(mtimeMs), position: 0 };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const blockBytes = 64 * 1024;
const newline = 10;

/** The whole records from the position on, which moves along; many at a time. A record without its end is left for the next time. */
export async function* readRecords(log: OpenLogFile): AsyncGenerator<Buffer[], void, undefined> {
  // Somebody has emptied it.
  if ((await log.file.stat()).size < log.position) log.position = 0;
  for (let size = blockBytes; ;) {
    const buffer = Buffer.allocUnsafe(size);
    const { bytesRead } = await log.file.read(buffer, 0, size, log.position);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(newline) + 1;
    const isTooSmall = end === 0 && bytesRead === size;
    if (end === 0 && !isTooSmall) return;
    size = isTooSmall ? 2 * size : blockBytes;
    log.position += end;
    if (end > 0) yield splitRecords(buffer.subarray(0, end));
  }
}

function splitRecords(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let from = 0; from < bytes.length;) {
    const to = bytes.indexOf(newline, from);
    records.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return records;
}
