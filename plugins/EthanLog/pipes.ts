import { constants, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mkfifo, resizePipe } from './libc.ts';
import type { Settings } from './settings.ts';

/** What is kept beside a pipe, so that it can be read on after a restart of hob. */
export interface PipeNote {
  readonly settings: Settings;
  /** The host's pid of the container's init, once there is one. */
  readonly init?: number;
}

/** The pipes of containers, and their notes: a folder each. */
export interface Pipes {
  /** The containers that there is a pipe for. */
  ids(): string[];
  /** Where the pipe of a container is. */
  pathOf(id: string): string;
  /** Make the pipe of a container; the ends are the caller's to close. */
  make(id: string, note: PipeNote): { readonly reader: number; readonly writer: number };
  /** The reading end of a pipe that is there. Throws when it is not. */
  open(id: string): { readonly reader: number; readonly note: PipeNote };
  note(id: string, note: PipeNote): void;
  remove(id: string): void;
}

const CAPACITY = 256 * 1024;

/** @param directory is made when it is not there */
export function createPipes(directory: string): Pipes {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const folderOf = (id: string): string => join(directory, id);
  const pipeOf = (id: string): string => join(folderOf(id), 'pipe');
  const noteOf = (id: string): string => join(folderOf(id), 'note.json');

  function writeNote(id: string, note: PipeNote): void {
    writeFileSync(`${noteOf(id)}.new`, JSON.stringify(note), { mode: 0o600 });
    renameSync(`${noteOf(id)}.new`, noteOf(id));
  }

  return {
    ids: () => readdirSync(directory),
    pathOf: pipeOf,
    make(id, note) {
      mkdirSync(folderOf(id), { mode: 0o700 });
      writeNote(id, note);
      mkfifo(pipeOf(id), 0o600);
      // Of a writing end that can read as well there is always a reader: no SIGPIPE, and what is in the pipe stays as long as it is open.
      const writer = openSync(pipeOf(id), constants.O_RDWR | constants.O_NONBLOCK);
      // Less room is less room.
      resizePipe(writer, CAPACITY);
      return { writer, reader: openReader(pipeOf(id)) };
    },
    open: (id) => ({
      note: JSON.parse(readFileSync(noteOf(id), 'utf8')) as PipeNote,
      reader: openReader(pipeOf(id)),
    }),
    note: writeNote,
    remove: (id) => rmSync(folderOf(id), { recursive: true, force: true }),
  };
}

/** Never waits. Opened by Node, which closes it with its thread, and so lets go of the lock on it. */
const openReader = (path: string): number => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
