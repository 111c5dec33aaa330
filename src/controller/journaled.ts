import type { Actor, SnapshotFrom } from 'xstate';
import type { containerMachine } from '../../machines/container.ts';

export type ContainerMachine = typeof containerMachine;
export type ContainerActor = Actor<ContainerMachine>;
export type ContainerSnapshot = SnapshotFrom<ContainerMachine>;

/**
 * The machine, with each new state recorded before anything of it is carried out: XState computes the next snapshot
 * first and starts the effects of its states afterwards, and `record` comes in between. So the intent of every step is
 * in the journal before its effect is on the host.
 */
export function journaled(machine: ContainerMachine, record: (snapshot: ContainerSnapshot) => void): ContainerMachine {
  const transition: ContainerMachine['transition'] = (snapshot, event, scope) => {
    const next = machine.transition(snapshot, event, scope);
    if (next !== snapshot) record(next);
    return next;
  };
  return Object.create(machine, { transition: { value: transition } }) as ContainerMachine;
}
