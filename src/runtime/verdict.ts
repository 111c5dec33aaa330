import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { meansMissing } from '../host/errors.ts';
import type { Instance } from './instance.ts';
import { goAhead, refusal } from './instance/start-command.ts';

/**
 * Tell the hook that waits. Without one, nothing happens: it is gone, or was answered before. Where somebody has deleted the FIFO nobody can be
 * told any more: the start's time limit ends what waits.
 */
export function answerPreStart(instance: Instance, verdict: boolean): void {
  try {
    tell(instance.paths.verdict, verdict ? goAhead : refusal);
  } catch (error) {
    if (!meansMissing(error)) throw error;
  }
  instance.answered = true;
  instance.wake();
}

/** Open for both, a FIFO makes nobody wait; what nobody reads is gone when it is closed. */
function tell(fifo: string, word: string): void {
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    writeSync(fd, word);
  } finally {
    closeSync(fd);
  }
}
