import { closeAll } from './descriptors.ts';

/** Descriptors that stay open here when the process that was started with them has ended, until they are released. */
export interface HeldDescriptors {
  /** Takes them over. What was held under this key is closed: it is a start that is made again. */
  hold(key: string, fds: readonly number[]): void;
  /** Unknown keys are fine. */
  release(key: string): void;
  keys(): string[];
}

export function heldDescriptors(): HeldDescriptors {
  const held = new Map<string, readonly number[]>();

  function release(key: string): void {
    closeAll(held.get(key) ?? []);
    held.delete(key);
  }

  return {
    hold(key, fds) {
      release(key);
      held.set(key, fds);
    },
    release,
    keys: () => [...held.keys()],
  };
}
