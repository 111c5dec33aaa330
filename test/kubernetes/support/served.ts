import { finalizer, type ContainerResource } from '../../../src/sources/kubernetes/resource.ts';
import type { Expected } from '../../walk/invariants/expected.ts';
import { ask } from './resources.ts';
import type { Cluster } from './cluster.ts';

/** How the API server has to have a Container: gone, let go of by every node, or its node's, in this phase. */
export type Served = 'gone' | 'released' | { readonly phase: string; readonly reason?: string };

/** How a Container must be, on the host and on the API server, when all has settled. */
export interface Wanted {
  readonly here: Expected;
  readonly served: Served;
}

export const pathOf = (name: string): string => `/apis/hob.dev/v1alpha1/namespaces/default/containers/${name}`;

/** What is wrong with what the API server has, in words. @param pid of its init, where it runs */
export async function servedFaults(
  cluster: Cluster,
  node: string,
  { here: { name }, served }: Wanted,
  pid: number | undefined,
): Promise<string[]> {
  const { code, body } = await ask(cluster, 'GET', pathOf(name));
  const resource = code === 404 ? undefined : (JSON.parse(body) as ContainerResource);
  const faults = faultsIn(resource, node, served, pid);
  return faults.map((fault) => `${name}: on the API server, ${fault}: ${JSON.stringify(resource)}`);
}

function faultsIn(
  resource: ContainerResource | undefined,
  node: string,
  served: Served,
  pid: number | undefined,
): string[] {
  if (served === 'gone') return resource ? ['it is still there'] : [];
  if (!resource) return ['it is gone'];
  const { reasons, ...has } = viewOf(resource);
  const { phase, reason }: Exclude<Served, string> = served === 'released' ? { phase: 'Pending' } : served;
  const isOurs = served !== 'released';
  const must = { ...has, phase, isObserved: true, isHeld: isOurs, node: isOurs ? node : undefined, pid };
  const differing = (Object.keys(must) as (keyof typeof must)[]).filter((field) => has[field] !== must[field]);
  return [
    ...differing.map((field) => `${field} is ${has[field]}, and must be ${must[field]}`),
    ...(reason === undefined || reasons.includes(reason) ? [] : [`no condition says ${reason}`]),
  ];
}

function viewOf({ status, metadata }: ContainerResource) {
  return {
    phase: status?.phase,
    node: status?.nodeName,
    pid: status?.pid,
    isObserved: status?.observedGeneration === metadata.generation,
    isHeld: metadata.finalizers?.includes(finalizer) === true,
    reasons: status?.conditions?.map(({ reason }) => reason) ?? [],
  };
}
