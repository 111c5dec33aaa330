import type { ContainerStatus } from '../../api/container.ts';
import type { ApiClient } from './api-client.ts';
import { patchBetween } from './patch-between.ts';
import { finalizer, resourcePath, type ContainerResource, type ObjectMeta } from './resource.ts';

/**
 * The writes to a resource. Each holds only for the version that it was decided on: who wrote in between is not overruled, the decision is
 * made again. Answers the resource as it is now. @throws (each) ApiError, a Conflict among them
 */
export interface ResourceWrites {
  addFinalizer(resource: ContainerResource): Promise<ContainerResource>;
  removeFinalizer(resource: ContainerResource): Promise<ContainerResource>;
  /** @param patch see `statusPatch` */
  status(resource: ContainerResource, patch: object): Promise<ContainerResource>;
  /** No write: the resource as it is now, whatever its labels are. */
  read(of: Pick<ObjectMeta, 'namespace' | 'name'>): Promise<ContainerResource>;
}

export function resourceWrites(client: ApiClient): ResourceWrites {
  const metadata = (resource: ContainerResource, finalizers: readonly string[]): Promise<ContainerResource> =>
    client.patch(resourcePath(resource.metadata), { metadata: { ...versionOf(resource), finalizers } });
  const finalizersOf = ({ metadata: { finalizers = [] } }: ContainerResource): readonly string[] => finalizers;

  return {
    addFinalizer: (resource) => metadata(resource, [...finalizersOf(resource), finalizer]),
    removeFinalizer: (resource) =>
      metadata(
        resource,
        finalizersOf(resource).filter((name) => name !== finalizer),
      ),
    status: (resource, patch) =>
      client.patch(`${resourcePath(resource.metadata)}/status`, { metadata: versionOf(resource), status: patch }),
    read: (of) => client.get(resourcePath(of)),
  };
}

/** What to write so that the resource has this status; undefined when it has. */
export const statusPatch = ({ status = {} }: ContainerResource, wanted: ContainerStatus): object | undefined =>
  patchBetween(status, wanted) as object | undefined;

const versionOf = ({ metadata: { uid, resourceVersion } }: ContainerResource): object => ({
  uid,
  resourceVersion,
});
