import type { ContainerSpec } from './container.ts';

/** The node that a hob looks after. */
export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether a container is for this node's hob to keep, as its `nodeName` and `nodeSelector` say. */
export function belongsTo(spec: Pick<ContainerSpec, 'nodeName' | 'nodeSelector'>, { name, labels }: Node): boolean {
  const { nodeName = name, nodeSelector = {} } = spec;
  return nodeName === name && Object.entries(nodeSelector).every(([label, value]) => hasLabel(labels, label, value));
}

/** A label may have any name, also one that every object inherits. */
function hasLabel(labels: Node['labels'], label: string, value: string): boolean {
  return Object.hasOwn(labels, label) && labels[label] === value;
}
