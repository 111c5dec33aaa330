/** Telling the sink whether the source can be read, and when it was read for the first time. */

import type { SourceSink } from '../source.ts';

export interface Availability {
  /** The look failed, or did not see all. Nothing is complete until one does. */
  failed(why: string): void;
  /** The look saw all; complete once the files of these names were read, or found to be gone. */
  sawAll(outstanding: Iterable<string>): void;
  /** The file of this name was read, or found to be gone. */
  isSettled(name: string): void;
}

export function createAvailability(sink: Pick<SourceSink, 'synced' | 'unavailable'>): Availability {
  let waitingFor: Set<string> | undefined;
  let told: string | undefined;
  let isSynced = false;

  function failed(why: string): void {
    waitingFor = undefined;
    if (told !== why) sink.unavailable(why);
    told = why;
  }

  function tellWhenComplete(): void {
    if (waitingFor?.size !== 0) return;
    waitingFor = undefined;
    if (told !== undefined) sink.unavailable(undefined);
    told = undefined;
    if (!isSynced) sink.synced();
    isSynced = true;
  }

  return {
    failed,
    sawAll: (outstanding) => {
      waitingFor = new Set(outstanding);
      tellWhenComplete();
    },
    isSettled: (name) => {
      if (waitingFor?.delete(name)) tellWhenComplete();
    },
  };
}
