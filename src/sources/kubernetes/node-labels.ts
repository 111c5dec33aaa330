import { wordsOf } from '../../host/errors.ts';
import type { ApiClient } from './api-client.ts';
import { isForbidden } from './api-error.ts';
import { reflect, type Reflector } from './reflector.ts';
import type { KubeObject } from './resource.ts';

export type Labels = Readonly<Record<string, string>>;

/** The labels of the Node object of this node, where there is one. */
export interface NodeLabels {
  get(): Labels;
  /** Rejects, with words, while nothing is known of them, not even from before. */
  check(): Promise<void>;
  /** See `Reflector`. */
  suspect(): void;
  stop(): void;
}

export interface NodeLabelsOptions {
  readonly client: ApiClient;
  readonly node: string;
  /** Those that were known before hob's last death: a server that cannot be asked must not make this node another. */
  readonly memory: { get(): Labels | undefined; set(labels: Labels): void };
  /** See `ReflectorOptions`. */
  readonly mayRead: () => Promise<void>;
  readonly onChange: () => void;
  /** Told when they may not be read. */
  readonly onForbidden: (error: unknown) => void;
}

const none: Labels = {};

export function followNodeLabels({
  client,
  node,
  memory,
  mayRead,
  onChange,
  onForbidden,
}: NodeLabelsOptions): NodeLabels {
  let labels = memory.get();
  let isForbiddenNow = false;
  let problem: unknown;
  const asked = Promise.withResolvers<void>();

  function learn(found: Labels): void {
    if (JSON.stringify(found) === JSON.stringify(labels)) return;
    labels = found;
    memory.set(found);
    onChange();
  }

  const reflector: Reflector = reflect<KubeObject>({
    client,
    path: '/api/v1/nodes',
    query: { fieldSelector: `metadata.name=${node}` },
    keyOf: ({ metadata }) => metadata.name,
    mayRead,
    // Who may not read it now may not in five seconds either, as a rule.
    pace: { longestPauseMs: 60_000 },
    sink: {
      seen: ({ metadata }) => learn(metadata.labels ?? none),
      deleted: () => learn(none),
      listed: (keys) => {
        if (!keys.has(node)) learn(none);
        asked.resolve();
      },
      unavailable: (error) => {
        problem = error;
        const isNow = isForbidden(error);
        if (isNow && !isForbiddenNow) onForbidden(error);
        isForbiddenNow = isNow;
        if (error !== undefined) asked.resolve();
      },
    },
  });

  return {
    get: () => labels ?? none,
    check: async () => {
      await asked.promise;
      if (labels !== undefined || isForbiddenNow) return;
      throw new Error(`the labels of node ${node} cannot be read: ${wordsOf(problem)}`);
    },
    suspect: () => reflector.suspect(),
    stop: () => {
      reflector.stop();
      asked.resolve();
    },
  };
}
