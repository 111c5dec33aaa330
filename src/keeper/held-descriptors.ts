import { closeAll } from './descriptors.ts';
import type { Held } from './protocol.ts';

/** Descriptors that stay open here when the process that was started with them has ended, until they are released. */
export interface HeldDescriptors {
  /** Takes them over. What was held under this key is closed: it is a start that is made again. */
  hold(held: Held): void;
  /** Unknown keys are fine. */
  release(key: string): void;
  list(): Held[];
}

export function heldDescriptors(): HeldDescriptors {
  const held = new Map<string, Held>();

  function release(key: string): void {
    closeAll(held.get(key)?.fds ?? []);
    held.delete(key);
  }

  return {
    hold(one) {
      release(one.key);
      held.set(one.key, one);
    },
    release,
    list: () => [...held.values()],
  };
}
