import { readFileSync } from 'node:fs';
import type { ContainerStatus } from '../../src/api/container.ts';
import { apiVersion, kind } from '../../src/api/schema.ts';
import { type ApiClient, apiClient } from '../../src/sources/kubernetes/api-client.ts';
import { collectionPath, resourcePath } from '../../src/sources/kubernetes/resource.ts';
import { type OwnCluster, startCluster } from '../kubernetes/support/cluster.ts';
import { adminToken } from '../kubernetes/support/kubeconfig.ts';
import { ask, untilResource } from '../kubernetes/support/resources.ts';
import { untilTrueSoon } from '../kubernetes/support/until-true-soon.ts';

/** A real API server, and an admin who keeps connections to it, as kubectl and controllers do. */
export interface BenchCluster {
  readonly cluster: OwnCluster;
  /** `nodeName` and the rest of the spec. */
  create(namespace: string, name: string, spec: object): Promise<void>;
  createMany(namespace: string, count: number, spec: object, status?: ContainerStatus): Promise<void>;
  /** One of them after the other, so many a second, until the signal fires. */
  writeStatuses(namespace: string, count: number, perSecond: number, signal: AbortSignal): Promise<void>;
  /** Resolves when it is gone: torn down, if a hob had it. */
  remove(namespace: string, name: string): Promise<void>;
  removeAll(namespace: string): Promise<void>;
}

export const nameOf = (index: number): string => `many-${index}`;

export async function benchCluster(): Promise<BenchCluster> {
  const cluster = await startCluster();
  const admin = adminOf(cluster);
  const create = async (namespace: string, name: string, spec: object): Promise<void> =>
    void (await admin.create(collectionPath(namespace), { apiVersion, kind, metadata: { name, namespace }, spec }));
  const writeStatus = async (namespace: string, name: string, status: object): Promise<void> =>
    void (await admin.patch(`${resourcePath({ namespace, name })}/status`, { status }));

  return {
    cluster,
    create,
    createMany: async (namespace, count, spec, status) => {
      for (let next = 0; next < count; next += 10)
        await Promise.all(
          Array.from({ length: Math.min(10, count - next) }, async (_, i) => {
            await create(namespace, nameOf(next + i), spec);
            if (status) await writeStatus(namespace, nameOf(next + i), status);
          }),
        );
    },
    writeStatuses: async (namespace, count, perSecond, signal) => {
      const writes: Promise<void>[] = [];
      const timer = setInterval(() => {
        const restartCount = writes.length;
        writes.push(writeStatus(namespace, nameOf(restartCount % count), { restartCount }));
      }, 1000 / perSecond);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      clearInterval(timer);
      await Promise.all(writes);
    },
    remove: async (namespace, name) => {
      await ask(cluster, 'DELETE', resourcePath({ namespace, name }));
      await untilResource(cluster, [namespace, name], 'is gone', (resource) => resource === undefined);
    },
    // By one request: kubectl waits for each of them, five a second.
    removeAll: async (namespace) => {
      await ask(cluster, 'DELETE', collectionPath(namespace));
      await untilTrueSoon(`namespace ${namespace} is empty`, async () => {
        const { items } = await admin.get<{ items: unknown[] }>(collectionPath(namespace), { limit: 1 });
        return items.length === 0;
      });
    },
  };
}

function adminOf({ address: { url, authority } }: OwnCluster): ApiClient {
  const headers = { Authorization: `Bearer ${adminToken}` };
  const credentials = Promise.resolve({ server: url, ca: readFileSync(authority, 'utf8'), headers });
  return apiClient({ get: () => credentials, failed: () => undefined });
}
