import { wordsOf } from '../../host/errors.ts';
import type { ApiClient } from './api-client.ts';
import { isForbidden } from './api-error.ts';
import { reflect, type Reflector } from './reflector.ts';
import type { KubeObject } from './resource.ts';

export type Labels = Readonly<Record<string, string>>;

/** The labels of the Node object of this node, where there is one. */
export interface NodeLabels {
  get(): Labels;
  /** @throws Error in words while nothing is known of them, not even from before */
  check(): void;
  stop(): void;
}

export interface NodeLabelsOptions {
  readonly client: ApiClient;
  readonly node: string;
  /** Those that were known before hob's last death: a server that cannot be asked must not make this node another. */
  readonly memory: { get(): Labels | undefined; set(labels: Labels): void };
  readonly onChange: () => void;
  /** Told when they may not be read. */
  readonly onForbidden: (error: unknown) => void;
}

const none: Labels = {};

export function followNodeLabels({ client, node, memory, onChange, onForbidden }: NodeLabelsOptions): NodeLabels {
  let labels = memory.get();
  let isForbiddenNow = false;
  let problem: unknown;

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
    // Who may not read it now may not in five seconds either, as a rule.
    pace: { longestPauseMs: 60_000 },
    sink: {
      seen: ({ metadata }) => learn(metadata.labels ?? none),
      deleted: () => learn(none),
      listed: (keys) => {
        if (!keys.has(node)) learn(none);
      },
      unavailable: (error) => {
        problem = error;
        const isNow = isForbidden(error);
        if (isNow && !isForbiddenNow) onForbidden(error);
        isForbiddenNow = isNow;
      },
    },
  });

  return {
    get: () => labels ?? none,
    check: () => {
      if (labels === undefined && !isForbiddenNow)
        throw new Error(
          `the labels of node ${node} are not read yet${problem === undefined ? '' : `: ${wordsOf(problem)}`}`,
        );
    },
    stop: () => reflector.stop(),
  };
}
