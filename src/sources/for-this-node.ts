import { key as keyOf } from '../api/container.ts';
import { belongsTo, type Node } from '../api/placement.ts';
import type { SourceSink } from './source.ts';

/** Told which containers of an origin are not for this node, whenever that changes. */
export type ElsewhereListener = (origin: string, keys: readonly string[], node: string) => void;

/** One folder of specs may be for several hosts: each takes what is meant for it. */
export function forThisNode(sink: SourceSink, node: Node, tell: ElsewhereListener): SourceSink {
  const told = new Map<string, string>();

  function tellOnce(origin: string, keys: readonly string[]): void {
    const text = keys.join();
    if (text !== '' && told.get(origin) !== text) tell(origin, keys, node.name);
    told.set(origin, text);
  }

  return {
    ...sink,
    declare: (origin, { containers, mistakes }) => {
      const { here = [], elsewhere = [] } = Object.groupBy(containers, ({ spec }) =>
        belongsTo(spec, node) ? 'here' : 'elsewhere',
      );
      tellOnce(
        origin,
        elsewhere.map(({ metadata }) => keyOf(metadata)),
      );
      sink.declare(origin, { containers: here, mistakes });
    },
    withdraw: (origin) => {
      told.delete(origin);
      sink.withdraw(origin);
    },
  };
}
