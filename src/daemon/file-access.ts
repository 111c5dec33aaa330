import { stat } from 'node:fs/promises';
import type { Reporter } from './reporter.ts';

const INTERVAL_MS = 10_000;

/**
 * Watch over the threads with which all of this process reads files. Plugins share them, and each read that never ends (of a FIFO, of a
 * network filesystem that is gone) takes one. Where none is left, hob can do nothing about it from inside; at least it is said.
 * @param suspects the plugins that run in this process
 * @returns how to stop watching
 */
export function watchFileAccess(
  report: Pick<Reporter, 'hob'>,
  suspects: () => readonly string[],
  intervalMs: number = INTERVAL_MS,
): () => void {
  let isAsked = false;
  let isStuck = false;

  function answered(): void {
    isAsked = false;
    if (isStuck) report.hob('Normal', 'FileAccessWorks', 'files can be read again');
    isStuck = false;
  }
  function look(): void {
    if (isAsked && !isStuck) report.hob('Warning', 'FileAccessStuck', stuckMessage(suspects()));
    isStuck = isAsked;
    if (isAsked) return;
    isAsked = true;
    stat('/').then(answered, answered);
  }

  const timer = setInterval(look, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

const stuckMessage = (suspects: readonly string[]): string =>
  'all threads for file access wait for something that does not come, so hob does nothing: a disk, or reads of a plugin that never end ' +
  `(in this process: ${suspects.join(', ') || 'none'}). Restart hob without it; containers run on`;
