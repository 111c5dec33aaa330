import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Condition } from '../../../src/api/container.ts';
import type { ContainerResource } from '../../../src/sources/kubernetes/resource.ts';
import { untilTrueSoon } from './until-true-soon.ts';
import type { Cluster } from './cluster.ts';
import { adminToken } from './kubeconfig.ts';

/** What the API server has of a Container; undefined when it has none. Without a kubectl for each look. */
export async function resourceOf(
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<ContainerResource | undefined> {
  const { code, body } = await ask(cluster, 'GET', `/apis/hob.dev/v1alpha1/namespaces/${namespace}/containers/${name}`);
  if (code === 404) return undefined;
  if (code !== 200) throw new Error(`the API server answers ${code}: ${body}`);
  return JSON.parse(body) as ContainerResource;
}

/** Look until it is as it should be; answers what was seen last. */
export async function untilResource(
  cluster: Cluster,
  [namespace, name]: readonly [string, string],
  what: string,
  holds: (resource: ContainerResource | undefined) => boolean,
): Promise<ContainerResource | undefined> {
  let last: ContainerResource | undefined;
  await untilTrueSoon(
    `${name} ${what}`,
    async () => holds((last = await resourceOf(cluster, namespace, name))),
    () => JSON.stringify(last, null, 1),
  );
  return last;
}

export const conditionOf = (resource: ContainerResource | undefined, type: string): Condition | undefined =>
  resource?.status?.conditions?.find((condition) => condition.type === type);

/** Status code and text, as an admin. */
export function ask(
  cluster: Cluster,
  method: string,
  path: string,
  body?: object,
): Promise<{ code: number; body: string }> {
  const { url, authority } = cluster.address;
  const headers = {
    authorization: `Bearer ${adminToken}`,
    ...(body && { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: readFileSync(authority), agent: false } as const;
    request(url + path, options, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, body: text }));
      response.on('error', reject);
    })
      .once('error', reject)
      .end(body && JSON.stringify(body));
  });
}
