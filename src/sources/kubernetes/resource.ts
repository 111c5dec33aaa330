import type { ContainerStatus } from '../../api/container.ts';
import { isObject } from '../../api/finding.ts';
import { apiVersion } from '../../api/schema.ts';

/** What every object of an API server has. */
export interface KubeObject {
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  /** It is being deleted, and goes when its last finalizer does. */
  readonly deletionTimestamp?: string;
}

/** A Container as the API server has it: its CRD may be older than this hob, so of the spec nothing is known yet. */
export interface ContainerResource extends KubeObject {
  readonly spec?: unknown;
  readonly status?: ContainerStatus;
}

/** Keeps the object on the server until this node has torn its container down. */
export const finalizer = 'hob.dev/teardown';

const apiPath = `/apis/${apiVersion}`;

/** Where Containers are listed and watched: those of one namespace, or all. */
export const collectionPath = (namespace?: string): string =>
  namespace === undefined
    ? `${apiPath}/containers`
    : `${apiPath}/namespaces/${encodeURIComponent(namespace)}/containers`;

export const resourcePath = ({ namespace = 'default', name }: Pick<ObjectMeta, 'namespace' | 'name'>): string =>
  `${collectionPath(namespace)}/${encodeURIComponent(name)}`;

/** `namespace/name`, as hob's own keys. */
export const keyOf = ({ metadata: { namespace = 'default', name } }: KubeObject): string => `${namespace}/${name}`;

const originPrefix = 'containers.hob.dev/';

/** Who declares a container, as messages and claims have it. */
export const originOf = (key: string): string => originPrefix + key;
/** Whether that is a resource, and not a file. */
export const isResource = (origin: string): boolean => origin.startsWith(originPrefix);

/** One state of an object is from before another: a server numbers them. Where it does not, nothing is older. */
export const isOlder = (one: KubeObject, other: KubeObject): boolean =>
  Number(one.metadata.resourceVersion) < Number(other.metadata.resourceVersion);

export const isBeingDeleted = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;
export const hasFinalizer = ({ metadata }: KubeObject): boolean => metadata.finalizers?.includes(finalizer) === true;

/** Who wrote which field is of no use here, and is half of each object. */
export function withoutManagedFields(resource: ContainerResource): ContainerResource {
  const { managedFields: _, ...metadata } = resource.metadata as ObjectMeta & { managedFields?: unknown };
  return { ...resource, metadata };
}

/** The node whose hob has taken it on. An empty one is none. */
export const takenBy = ({ status }: ContainerResource): string | undefined => status?.nodeName || undefined;

/** As much of its placement as can be made out: what is wrong with it is told when the whole spec is validated. */
export function placementOf({ spec }: ContainerResource): { nodeName?: string; nodeSelector?: Record<string, string> } {
  if (!isObject(spec)) return {};
  const { nodeName, nodeSelector } = spec;
  const entries = isObject(nodeSelector) ? Object.entries(nodeSelector) : [];
  const selector = Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
  return {
    ...(typeof nodeName === 'string' && { nodeName }),
    ...(entries.length > 0 && { nodeSelector: selector }),
  };
}
