import type { ApiClient } from './api-client.ts';
import { isForbidden, isNotFound } from './api-error.ts';
import type { KubeObject } from './resource.ts';

/** Where is remembered which cluster the containers of this node belong to. */
export interface ClusterMemory {
  get(): string | undefined;
  set(id: string): void;
}

/**
 * Sees to it that the server is of the same cluster as before. Another one, or the same one built anew, knows nothing of the containers that
 * run here, and what it does not list would be torn down.
 *
 * A cluster is known by the uid of its namespace kube-system. Where that may not be read, and never was, nothing is compared.
 * @param held the containers here that came from a cluster
 * @param expected the cluster that the operator names; undefined: that of before
 * @throws (the check) Error in words
 */
export function clusterCheck(
  client: ApiClient,
  memory: ClusterMemory,
  held: () => readonly string[],
  expected?: string,
): () => Promise<void> {
  return async () => {
    const known = expected ?? (held().length > 0 ? memory.get() : undefined);
    const found = await clusterID(client, known === undefined);
    if (known !== undefined && known !== found) throw new Error(otherCluster(known, found ?? 'unknown'));
    if (found !== undefined && memory.get() !== found) memory.set(found);
  };
}

const otherCluster = (known: string, found: string): string =>
  `this server is of another cluster (${found}) than the one that the containers here came from (${known}); ` +
  `check the kubeconfig, or, if that is meant, start hob with --cluster ${found}: what that cluster does not list is torn down then`;

async function clusterID(client: ApiClient, mayBeHidden: boolean): Promise<string | undefined> {
  try {
    return (await client.get<KubeObject>('/api/v1/namespaces/kube-system')).metadata.uid;
  } catch (error) {
    if (mayBeHidden && (isForbidden(error) || isNotFound(error))) return undefined;
    throw error;
  }
}
