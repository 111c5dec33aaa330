import { changeHashes, contentHash } from '../api/hash.ts';
import type { Container } from '../api/container.ts';
import type { Desired } from '../../machines/context.ts';

/** What was last declared of a container: its generation, and a hash of all that counts. */
export interface Generation {
  readonly key: string;
  readonly generation: number;
  readonly contentHash: string;
}

export interface Generations {
  /** What a container wants, as the generation that it is: one more than before when anything of it is new. */
  see(key: string, container: Container): { readonly desired: Desired; readonly contentHash: string };
  /** One that is seen again begins anew. */
  forget(key: string): void;
}

/**
 * Counts how often what is wanted of each container has changed; where the source counts itself, as an API server does, its count is taken.
 * @param remembered from before: their counts go on
 */
export function countGenerations(remembered: readonly Generation[]): Generations {
  const last = new Map(remembered.map(({ key, generation, contentHash }) => [key, { generation, contentHash }]));
  return {
    see(key, { spec, metadata: { labels = {}, annotations = {}, generation: given } }) {
      const hash = contentHash({ spec, labels, annotations });
      const before = last.get(key) ?? { generation: 0, contentHash: '' };
      const generation = given ?? (before.contentHash === hash ? before.generation : before.generation + 1);
      last.set(key, { generation, contentHash: hash });
      const desired = { spec, labels, annotations, generation, hash: changeHashes(spec), removed: false };
      return { desired, contentHash: hash };
    },
    forget: (key) => void last.delete(key),
  };
}
