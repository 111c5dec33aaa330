import type { Actor, SnapshotFrom } from 'xstate';
import type { Phase } from '../api/container.ts';
import type { containerMachine } from '../../machines/container.ts';

export type ContainerMachine = typeof containerMachine;
export type ContainerActor = Actor<ContainerMachine>;
export type ContainerSnapshot = SnapshotFrom<ContainerMachine>;

/**
 * The machine, with each new state recorded before anything of it is carried out: XState computes the next snapshot
 * first and starts the effects of its states afterwards, and `record` comes in between. So the intent of every step is
 * in the journal before its effect is on the host.
 * @param isOver hob is about to end: what effects answer now is not heard any more, as if hob had died
 */
export function journaled(
  machine: ContainerMachine,
  record: (snapshot: ContainerSnapshot) => void,
  isOver: () => boolean,
): ContainerMachine {
  const transition: ContainerMachine['transition'] = (snapshot, event, scope) => {
    if (isOver()) return snapshot;
    const next = machine.transition(snapshot, event, scope);
    if (next !== snapshot) record(next);
    return next;
  };
  return Object.create(machine, { transition: { value: transition } }) as ContainerMachine;
}

/** `alive.running`. */
export function statePath(value: ContainerSnapshot['value']): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([parent, child]) => `${parent}.${String(child)}`)
    .join();
}

/** Every state of the machine in which it rests says its phase as a tag. */
export function phaseOf(snapshot: ContainerSnapshot): Phase {
  const [phase] = snapshot.tags;
  return (phase ?? 'Destroying') as Phase;
}
