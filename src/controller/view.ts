import type { Condition, Container, ContainerStatus } from '../api/container.ts';
import type { Wanted } from './desired-store.ts';
import { phaseOf } from './journaled.ts';
import type { ContainerSnapshot } from './journaled.ts';
import { containerView } from './status.ts';

/** The Container as it is shown. @param before its conditions so far */
export type View = (
  snapshot: ContainerSnapshot,
  mistakes: Wanted['mistakes'],
  before: readonly Condition[],
) => Container;

export interface ViewOptions {
  /** May throw when the journal can't be read. */
  readonly hooksOf: (id: string, instanceID: string) => ContainerStatus['hooks'];
  readonly log: { error: (fields: object, message: string) => void };
}

export function createView({ hooksOf, log }: ViewOptions): View {
  function readHooks(id: string, instanceID: string): ContainerStatus['hooks'] {
    try {
      return hooksOf(id, instanceID);
    } catch (err) {
      log.error({ container: id, err }, 'the journal could not be read');
      return undefined;
    }
  }

  return (snapshot, mistakes, before) => {
    const { context } = snapshot;
    const phase = phaseOf(snapshot);
    const usesPlugins = context.instance !== undefined && context.instance.spec.plugins.length > 0;
    const hooks = usesPlugins ? readHooks(context.id, context.instance.id) : undefined;
    return containerView({ context, phase, mistakes, hooks, before, now: new Date().toISOString() });
  };
}
