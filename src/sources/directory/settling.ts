/**
 * When is a file complete? One that was moved or linked into place is at once; one that is written where it is, when it has been quiet for a
 * while. inotify tells them apart: a write is reported as `change`, a new name as `rename`, and a file that somebody creates and then
 * writes is reported as both. So, complete at once: only `rename`, there is something in the file, and nobody has it open for writing (a
 * write shows in the file a moment before its event is sent, and on a busy machine that moment can last).
 */

import type { FileSight } from './sight.ts';
import { createTurns } from './turns.ts';

/** `found`: seen without an event of its own, for example in a folder that was watched only after the file was put there. */
export type Hint = 'rename' | 'change' | 'found';

export interface Settling {
  /** Something may have happened to the file of this name. */
  hint(name: string, what: Hint): void;
  isWaitingFor(name: string): boolean;
  /** Files that are waited for, without the slow ones. */
  outstanding(): string[];
  stop(): void;
}

export interface SettlingOptions {
  readonly settleMs: number;
  /** The file as it is now; undefined when there is nothing to wait for: it is gone, or as it was. */
  look(name: string): FileSight | undefined;
  /** Whether a file that was put there, and not written to as far as was heard, is complete: nobody has it open for writing. */
  isComplete(name: string): boolean;
  /** The file is complete. False when it was changed while it was read. */
  take(name: string, sight: FileSight): boolean;
  /** It has been written to for a long time. Told once. */
  isSlow(name: string): void;
  /** It no longer waits. */
  isDone(name: string): void;
}

interface Waiting {
  onlyRenamed: boolean;
  /** Of the last hint, on the monotonic clock, in milliseconds. */
  hintedAt: number;
  readonly since: number;
  isSlow: boolean;
  timer?: NodeJS.Timeout;
}

const SLOW_AFTER_SETTLE_TIMES = 50;
/** An empty file is mostly one that was truncated a moment ago, by somebody whose first write is held up. */
const EMPTY_SETTLE_TIMES = 5;

export function createSettling({ settleMs, look, isComplete, take, isSlow, isDone }: SettlingOptions): Settling {
  const files = new Map<string, Waiting>();
  /** Complete as it was when it was seen, unless a write is heard of. */
  const arrived = new Map<string, FileSight>();
  // Each turn comes after the events that were waiting. That matters for `settle`: when the event loop was held up, timers come before
  // the events that happened meanwhile. And `takeArrived` comes a turn after `examine`: whoever closed the file before that has been heard.
  const turns = createTurns({ takeArrived, settle, examine });

  function hint(name: string, what: Hint): void {
    const known = files.get(name);
    if (known && what === 'found') return;
    const now = performance.now();
    const file = known ?? { onlyRenamed: true, hintedAt: now, since: now, isSlow: false };
    if (what !== 'rename') file.onlyRenamed = false;
    file.hintedAt = now;
    files.set(name, file);
    arrived.delete(name);
    turns.add('examine', name);
  }

  function examine(name: string): void {
    const file = files.get(name);
    // A file that is being written is looked at when its time is over, not at every piece.
    if (!file || (file.timer && !file.onlyRenamed)) return;
    const sight = look(name);
    if (!sight) forget(name);
    else if (file.onlyRenamed && sight.bytes > 0 && isComplete(name)) {
      arrived.set(name, sight);
      turns.add('takeArrived', name);
    } else wait(name, file, settleMs);
  }

  /** And looked at once more when it has settled: a coarse clock hides what followed at once. */
  function takeArrived(name: string): void {
    const file = files.get(name);
    const sight = arrived.get(name);
    arrived.delete(name);
    if (!file || !sight) return;
    take(name, sight);
    wait(name, file, settleMs);
  }

  function settle(name: string): void {
    const file = files.get(name);
    if (!file || file.timer) return;
    const sight = look(name);
    if (!sight) return forget(name);
    const restMs = restOf(file, sight);
    if (restMs < 1 && take(name, sight)) forget(name);
    else waitOn(name, file, Math.max(restMs, 1));
  }

  /** By the hints, and by the file's own clock, which is only believed when it is not ahead of ours. */
  function restOf({ hintedAt }: Waiting, { bytes, quietMs }: FileSight): number {
    const needMs = bytes === 0 ? EMPTY_SETTLE_TIMES * settleMs : settleMs;
    const byHints = hintedAt + needMs - performance.now();
    return quietMs < 0 ? byHints : Math.max(byHints, needMs - quietMs);
  }

  function waitOn(name: string, file: Waiting, ms: number): void {
    wait(name, file, ms);
    if (file.isSlow || performance.now() - file.since < SLOW_AFTER_SETTLE_TIMES * settleMs) return;
    file.isSlow = true;
    isSlow(name);
  }

  function wait(name: string, file: Waiting, ms: number): void {
    clearTimeout(file.timer);
    file.timer = setTimeout(() => {
      delete file.timer;
      turns.add('settle', name);
    }, ms);
  }

  function forget(name: string): void {
    clearTimeout(files.get(name)?.timer);
    files.delete(name);
    isDone(name);
  }

  function stop(): void {
    for (const file of files.values()) clearTimeout(file.timer);
    files.clear();
    arrived.clear();
    turns.stop();
  }

  return {
    hint,
    isWaitingFor: (name) => files.has(name),
    outstanding: () => [...files].filter(([, { isSlow }]) => !isSlow).map(([name]) => name),
    stop,
  };
}
