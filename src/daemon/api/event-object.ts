import type { EventObject } from '../../api/wire.ts';
import type { JournalEvent } from '../../journal/journal.ts';

/** A journal event as Kubernetes shows it, so that what reads `kubectl get events -o json` reads this too. */
export function eventObject(event: JournalEvent): EventObject {
  const { regarding, sequence } = event;
  const namespace = regarding.namespace === undefined ? {} : { namespace: regarding.namespace };
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${lastPart(regarding.name)}.${sequence.toString(16)}`,
      ...namespace,
      resourceVersion: String(sequence),
    },
    involvedObject: { kind: regarding.kind, name: regarding.name, ...namespace },
    type: event.type,
    reason: event.reason,
    message: event.message,
    count: event.count,
    firstTimestamp: event.firstSeen,
    lastTimestamp: event.lastSeen,
    source: { component: 'hob' },
  };
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
