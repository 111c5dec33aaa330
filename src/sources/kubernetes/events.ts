import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound, isRefused } from './api-error.ts';
import { apiVersion, kind } from '../../api/schema.ts';
import type { ContainerResource } from './resource.ts';

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Tells the API server what happened, for `kubectl describe` and `kubectl get events`. */
export interface EventTeller {
  tell(resource: ContainerResource, happening: Happening): void;
  stop(): void;
}

/** One event object, which repetitions count up. */
interface Series {
  readonly path: string;
  readonly name: string;
  readonly firstTimestamp: string;
  count: number;
}

interface Told {
  readonly resource: ContainerResource;
  readonly happening: Happening;
  readonly at: string;
  /** Makes its object's name, also when it is sent again: it may have arrived, and only the answer got lost. */
  readonly id: string;
}

/** What waits for a server that cannot be reached; older ones are worth less. */
const mostWaiting = 200;
/** Kinds of happenings of which the event objects are remembered. */
const mostSeries = 1_000;
/** The server forgets events after an hour, as a rule. */
const seriesMs = 50 * 60_000;
const lookAgainMs = 5_000;
const longestMessage = 1_000;

/** Those of one container that differ in numbers only (pids, seconds) are one, with a count: a container that crashes all day makes few objects. */
const seriesKey = ({ metadata: { uid } }: ContainerResource, { type, reason, message }: Happening): string =>
  [uid, type, reason, message.replace(/\d+/g, '#')].join(' ');

export function eventTeller(client: ApiClient, node: string): EventTeller {
  const series = new Map<string, Series>();
  const waiting: Told[] = [];
  let isSending = false;
  let later: NodeJS.Timeout | undefined;
  let isOver = false;

  /** One after the other, in order; what cannot be sent waits. */
  async function send(): Promise<void> {
    if (isSending) return;
    isSending = true;
    clearTimeout(later);
    later = undefined;
    try {
      for (let told = waiting[0]; told && !isOver; told = waiting[0]) {
        await write(told);
        waiting.shift();
      }
    } catch {
      later = setTimeout(() => void send(), lookAgainMs);
      later.unref();
    } finally {
      isSending = false;
    }
  }

  async function write(told: Told): Promise<void> {
    const key = seriesKey(told.resource, told.happening);
    try {
      const known = series.get(key);
      if (known && Date.parse(told.at) - Date.parse(known.firstTimestamp) < seriesMs) await repeat(known, told);
      else remember(key, await begin(told));
    } catch (error) {
      series.delete(key);
      // In a namespace that is being deleted nothing may be made: nobody would read it either.
      if (!isRefused(error)) throw error;
    }
  }

  async function begin({ resource, happening, at, id }: Told): Promise<Series> {
    const { namespace = 'default', name, uid, resourceVersion } = resource.metadata;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
    const eventName = `${name.slice(0, 200).replace(/[-.]+$/, '')}.${id}`;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName, namespace },
      involvedObject: { apiVersion, kind, namespace, name, uid, resourceVersion },
      ...wordsIn(happening),
      source: { component: 'hob', host: node },
      reportingComponent: 'hob',
      reportingInstance: hostname(),
      firstTimestamp: at,
      lastTimestamp: at,
      count: 1,
    };
    await client.create(path, event).catch(unlessItIsThere);
    return { path: `${path}/${encodeURIComponent(eventName)}`, name: eventName, firstTimestamp: at, count: 1 };
  }

  async function repeat(known: Series, told: Told): Promise<void> {
    try {
      await client.patch(known.path, {
        count: known.count + 1,
        lastTimestamp: told.at,
        message: wordsIn(told.happening).message,
      });
      known.count++;
    } catch (error) {
      if (!isNotFound(error)) throw error;
      remember(seriesKey(told.resource, told.happening), await begin(told));
    }
  }

  function remember(key: string, one: Series): void {
    series.delete(key);
    series.set(key, one);
    const [oldest] = series.keys();
    if (series.size > mostSeries && oldest !== undefined) series.delete(oldest);
  }

  return {
    tell: (resource, happening) => {
      if (isOver) return;
      const [at, id] = [`${new Date().toISOString().slice(0, 19)}Z`, randomUUID().slice(0, 13)];
      waiting.push({ resource, happening, at, id });
      if (waiting.length > mostWaiting) waiting.splice(1, 1);
      // While the server is away, the next try is soon enough.
      if (!later) void send();
    },
    stop: () => {
      isOver = true;
      clearTimeout(later);
    },
  };
}

function unlessItIsThere(error: unknown): void {
  if (!isConflict(error)) throw error;
}

const wordsIn = ({ type, reason, message }: Happening): Happening => ({
  type,
  reason,
  message: message.slice(0, longestMessage),
});
