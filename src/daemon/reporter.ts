import type { Logger } from 'pino';
import type { Journal, JournalEvent, NewEvent } from '../journal/journal.ts';
import { formatMistake } from '../api/parse.ts';
import type { SpecMistake } from '../api/container.ts';

/** Whatever happens is told three times at once: as an event in the journal, as a line of the log, to whoever watches. */
export interface Reporter {
  container(
    regarding: { namespace: string; name: string },
    type: NewEvent['type'],
    reason: string,
    message: string,
  ): void;
  file(path: string, type: NewEvent['type'], reason: string, message: string): void;
  /** What is wrong with a file of specs, a line each. */
  mistakes(path: string, mistakes: readonly SpecMistake[]): void;
  /** These of its containers are not for this node. Said once, until it changes. */
  forAnotherNode(path: string, keys: readonly string[], node: string): void;
  source(name: string, type: NewEvent['type'], reason: string, message: string): void;
  hob(type: NewEvent['type'], reason: string, message: string): void;
  /** The container is gone. */
  forget(namespace: string, name: string): void;
  /** The last thing said about a container. */
  last(namespace: string, name: string): string | undefined;
  watch(listener: (event: JournalEvent) => void): () => void;
}

export function createReporter(journal: Journal, log: Logger): Reporter {
  const listeners = new Set<(event: JournalEvent) => void>();
  const latest = new Map<string, string>();
  for (const { regarding, reason, message } of journal.events())
    if (regarding.namespace) latest.set(`${regarding.namespace}/${regarding.name}`, `${reason}: ${message}`);

  function report(event: NewEvent): void {
    const { type, reason, message, regarding } = event;
    const { namespace, name } = regarding;
    const about = namespace ? { container: `${namespace}/${name}` } : { [regarding.kind.toLowerCase()]: name };
    log[type === 'Normal' ? 'info' : 'warn']({ ...about, reason }, message);
    if (namespace) latest.set(`${namespace}/${name}`, `${reason}: ${message}`);
    remember(event);
  }

  /** Events are for people to read later; one that cannot be kept must not stop anything. */
  function remember(event: NewEvent): void {
    try {
      const kept = journal.addEvent(event);
      for (const listener of listeners) listener(kept);
    } catch (err) {
      log.error({ err, reason: event.reason }, 'the event could not be kept in the journal');
    }
  }

  return {
    container: (regarding, type, reason, message) =>
      report({ type, reason, message, regarding: { kind: 'Container', ...regarding } }),
    file: (path, type, reason, message) => report({ type, reason, message, regarding: { kind: 'File', name: path } }),
    mistakes: (path, mistakes) => {
      const message = mistakes.map(formatMistake).join('\n');
      report({ type: 'Warning', reason: 'InvalidSpec', message, regarding: { kind: 'File', name: path } });
      for (const [name, own] of Map.groupBy(mistakes, ({ name }) => name)) {
        const { namespace = 'default' } = own[0] ?? {};
        const words = own.map(formatMistake).join('\n');
        if (name)
          remember({
            type: 'Warning',
            reason: 'InvalidSpec',
            message: words,
            regarding: { kind: 'Container', namespace, name },
          });
      }
    },
    forAnotherNode: (path, keys, node) => {
      const message = `declares ${keys.join(', ')} for another node than this, which is ${node}`;
      report({ type: 'Normal', reason: 'ForAnotherNode', message, regarding: { kind: 'File', name: path } });
    },
    source: (name, type, reason, message) => report({ type, reason, message, regarding: { kind: 'Source', name } }),
    hob: (type, reason, message) => report({ type, reason, message, regarding: { kind: 'Hob', name: 'hob' } }),
    forget: (namespace, name) => void latest.delete(`${namespace}/${name}`),
    last: (namespace, name) => latest.get(`${namespace}/${name}`),
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
