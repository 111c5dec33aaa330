import type { FromSchema } from 'json-schema-to-ts';
import type { containerSchema } from './schema.ts';

/** A container: `spec` is what is wanted, `status` what is observed. */
export type Container = FromSchema<typeof containerSchema>;
export type ContainerMetadata = Container['metadata'];
export type ContainerSpec = Container['spec'];
export type ContainerStatus = NonNullable<Container['status']>;
export type Phase = NonNullable<ContainerStatus['phase']>;
export type Condition = NonNullable<ContainerStatus['conditions']>[number];
/** `spec.resources`. */
export type ContainerResources = NonNullable<ContainerSpec['resources']>;
/** One entry of `spec.plugins`. */
export type PluginUse = ContainerSpec['plugins'][number];

/** Something wrong with a spec, and where. */
export interface SpecMistake {
  /** The file, or where else the spec came from. */
  readonly origin: string;
  /** From 1. Absent when it did not come from a text. */
  readonly line?: number;
  /** From 1. Absent when it did not come from a text. */
  readonly column?: number;
  /** `spec.resources.memory`; empty when it is about the document as a whole. */
  readonly path: string;
  readonly message: string;
  /** The container it is in, when that much is known. */
  readonly name?: string;
  readonly namespace?: string;
}

type Named = Pick<ContainerMetadata, 'name' | 'namespace'>;

/** The id that crun, the journal and plugins know a container by: its name, or `namespace_name` outside the default namespace. */
export function containerID({ namespace, name }: Named): string {
  return namespace === 'default' ? name : `${namespace}_${name}`;
}

/** The `key` of the container that has this id. */
export function keyOfID(id: string): string {
  const [namespace, name] = id.split('_');
  return name === undefined ? `default/${id}` : `${namespace}/${name}`;
}

/** `namespace/name`, for people and for maps. */
export function key({ namespace, name }: Named): string {
  return `${namespace}/${name}`;
}
