import { closeSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { PluginEnvironment } from 'hob/plugin';
import { createIntake, type Intake } from './intake.ts';
import { createJournald } from './journald.ts';
import { tryLock } from './libc.ts';
import { createPidMap } from './pids.ts';
import { createPipeReaders, type PipeReader } from './pipe-reader.ts';
import { createPipes, type PipeNote } from './pipes.ts';
import { createRecordsFile } from './records-file.ts';
import type { Settings } from './settings.ts';

/** The logs of all containers. */
export interface Logs {
  /** Make a log for a container, in place of an earlier one. Answers the end of the pipe that it writes to, for the caller to close. */
  begin(id: string, settings: Settings): number;
  /** The container's init has this pid on the host. */
  started(id: string, pid: number): void;
  /** Take what is left, and let go of everything but the records. Nothing happens when there is nothing. */
  end(id: string): void;
}

interface OpenLog {
  readonly note: PipeNote;
  readonly intake: Intake;
  readonly reader: PipeReader;
}

const now = (): number => performance.now();
/** How often a pipe is tried that another version of this plugin reads. */
const TRY_AGAIN_MS = 1_000;

/** Opens what an earlier hob left, at once: its containers may be waiting for a reader. */
export function openLogs(environment: PluginEnvironment): Logs {
  const { stateDir } = environment;
  const recordsDir = join(stateDir, 'records');
  mkdirSync(recordsDir, { recursive: true, mode: 0o700 });
  const readers = createPipeReaders(stateDir);
  const pipes = createPipes(join(stateDir, 'pipes'));
  const journald = createJournald();
  const open = new Map<string, OpenLog>();

  function cgroupOf(id: string): string | undefined {
    return environment.cgroupPath(id, 'pids') ?? environment.cgroupPath(id, 'memory');
  }

  function attach(id: string, fd: number, note: PipeNote): void {
    const intake = createIntake({
      settings: note.settings,
      sinks: [createRecordsFile(join(recordsDir, `${id}.jsonl`)), journald],
      pids: createPidMap(() => cgroupOf(id), now),
      now,
    });
    if (note.init !== undefined) intake.setInit(note.init);
    open.set(id, { note, intake, reader: readers.read(fd, pipes.pathOf(id), intake.take) });
  }

  /** Read a pipe on. False when another version of this plugin reads it: a pipe has one reader. */
  function reopen(id: string): boolean {
    const { reader, note } = pipes.open(id);
    const isOurs = tryLock(reader);
    if (isOurs) attach(id, reader, note);
    else closeSync(reader);
    return isOurs;
  }

  /** False when it is worth another try. */
  function tryToReopen(id: string): boolean {
    try {
      return reopen(id);
    } catch (error) {
      console.warn(`the log of ${id} cannot be read on: ${String(error)}`);
      return true;
    }
  }

  /** What another version reads is ours when its thread dies before the container ends; nothing tells of that. */
  function reopenAll(ids: readonly string[]): void {
    const others = ids.filter((id) => !tryToReopen(id));
    const isLeft = (id: string): boolean => others.includes(id) && !open.has(id);
    if (others.length > 0) setTimeout(() => reopenAll(pipes.ids().filter(isLeft)), TRY_AGAIN_MS).unref();
  }

  /** Another version of this plugin was quicker; it looks for pipes now and then. */
  function leaveToOther(id: string, reader: number): void {
    closeSync(reader);
    reopenAll([id]);
  }

  function end(id: string): void {
    if (!open.has(id) && pipes.ids().includes(id)) tryToReopen(id);
    const log = open.get(id);
    log?.reader.drain();
    log?.reader.close();
    log?.intake.end();
    open.delete(id);
    pipes.remove(id);
  }

  reopenAll(pipes.ids());
  return {
    begin(id, settings) {
      end(id);
      const note = { settings };
      const { reader, writer } = pipes.make(id, note);
      if (tryLock(reader)) attach(id, reader, note);
      else leaveToOther(id, reader);
      return writer;
    },
    started(id, pid) {
      const log = open.get(id);
      if (!log) return;
      log.intake.setInit(pid);
      pipes.note(id, { ...log.note, init: pid });
    },
    end,
  };
}
