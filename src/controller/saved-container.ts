import type { Condition } from '../api/container.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { EntryState } from '../../machines/events.ts';
import type { Claim } from './desired-store.ts';

/** A container as the journal keeps it, beside the machine's state. */
export interface SavedContainer {
  readonly context: ContainerContext;
  readonly conditions: readonly Condition[];
  readonly claim: Claim;
  readonly contentHash: string;
}

/** A container from before hob's last death, and where its machine is to be entered. */
export interface AdoptedContainer extends SavedContainer {
  readonly resumeAt: EntryState;
}
