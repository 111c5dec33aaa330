import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cluster } from './support/cluster.ts';
import { kubectlAs } from './support/kubectl.ts';
import type { Kubectl } from './support/kubectl.ts';
import { sharedCluster } from './support/shared-cluster.ts';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const ofContainers = {
  'containers.hob.dev': 'get list patch watch',
  'containers.hob.dev/status': 'patch',
  events: 'create patch',
};
const ofTheCluster = { nodes: 'list watch', 'namespaces kube-system': 'get' };

let cluster: Cluster;
beforeAll(async () => {
  cluster = await sharedCluster();
});

describe('manifests/rbac', () => {
  let agent: Kubectl;
  beforeAll(async () => {
    agent = kubectlAs(await cluster.agentKubeconfig('rights'));
  });

  it('gives an agent the containers of every namespace, and nothing else', async () => {
    const namespace = await cluster.newNamespace();
    await expect.poll(() => rightsOf(agent, namespace)).toEqual({ ...ofContainers, ...ofTheCluster });
  });

  it('gives it the Leases of hob-system as well', async () => {
    const leases = { 'leases.coordination.k8s.io': 'create get patch' };
    await expect.poll(() => rightsOf(agent, 'hob-system')).toEqual({ ...ofContainers, ...ofTheCluster, ...leases });
  });

  it('lets it put a finalizer on a container, and take it off', async () => {
    const namespace = await containerInNewNamespace(cluster);
    const finalizers = async (): Promise<string> =>
      agent.kubectl('get', 'container', 'one', '-n', namespace, '-o', 'jsonpath={.metadata.finalizers}');
    const patch = (value: string[] | null): Promise<string> =>
      agent.kubectl('patch', 'container', 'one', '-n', namespace, '--type=merge', '-p', finalizersPatch(value));
    await patch(['hob.dev/teardown']);
    expect(await finalizers()).toBe('["hob.dev/teardown"]');
    await patch(null);
    expect(await finalizers()).toBe('');
  });

  it.each([
    ['delete a container', ['delete', 'container', 'one']],
    ['read secrets', ['get', 'secrets']],
    ['look into other namespaces than kube-system', ['get', 'namespace', 'default']],
    ['give itself rights', ['create', 'clusterrolebinding', 'mine', '--clusterrole=admin', '--user=me']],
  ])('does not let it %s', async (_what, args) => {
    const namespace = await containerInNewNamespace(cluster);
    expect(await agent.tryKubectl(...args, '-n', namespace)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/forbidden/),
    });
    expect(await cluster.get('container', 'one', namespace)).toBeDefined();
  });
});

describe('manifests/rbac/namespaced', () => {
  it('gives an agent the containers of that namespace, and nothing in others', async () => {
    const namespace = await cluster.newNamespace();
    const agent = await accountWithNamespacedRights(cluster, namespace);
    await expect.poll(() => rightsOf(agent, namespace)).toEqual(ofContainers);
    expect(await rightsOf(agent, await cluster.newNamespace())).toEqual({});
  });
});

/** hob-agent has the rights of all namespaces on this cluster already, so it is somebody else who gets these. */
async function accountWithNamespacedRights({ kubectl, ...of }: Cluster, namespace: string): Promise<Kubectl> {
  const name = 'somebody';
  await kubectl('create', 'serviceaccount', name, '-n', namespace);
  await kubectl('apply', '-n', namespace, '-f', join(import.meta.dirname, '../../manifests/rbac/namespaced'));
  const patch = JSON.stringify({ subjects: [{ kind: 'ServiceAccount', name, namespace }] });
  await kubectl('patch', 'rolebinding', 'hob-agent-containers', '-n', namespace, '--type=merge', '-p', patch);
  return kubectlAs(of.kubeconfigFor(`${name}-${namespace}`, { token: await of.tokenOf(namespace, name) }));
}

async function containerInNewNamespace({ newNamespace, apply }: Cluster): Promise<string> {
  const namespace = await newNamespace();
  const metadata = { name: 'one', namespace };
  const spec = { rootfs: { path: '/srv/one' }, command: ['/bin/true'], nodeName: 'nowhere' };
  await apply({ apiVersion: 'hob.dev/v1alpha1', kind: 'Container', metadata, spec });
  return namespace;
}

const finalizersPatch = (finalizers: string[] | null): string => JSON.stringify({ metadata: { finalizers } });

/** What the server itself says that somebody may do in a namespace, except what everybody may. */
async function rightsOf({ kubectlWith }: Kubectl, namespace: string): Promise<Record<string, string>> {
  const apiVersion = 'authorization.k8s.io/v1';
  const review = { apiVersion, kind: 'SelfSubjectRulesReview', spec: { namespace } };
  const answer = await kubectlWith([review], 'create', '--raw', `/apis/${apiVersion}/selfsubjectrulesreviews`);
  const { status } = JSON.parse(answer) as { status: { resourceRules: Rule[] } };
  const rights = status.resourceRules.flatMap((rule) =>
    rule.resources.map((resource) => [nameOf(rule, resource), rule.verbs.toSorted().join(' ')] as const),
  );
  return Object.fromEntries(rights.filter(([name]) => !name.startsWith('self')));
}

/** As RBAC messages have it: resource.group/subresource, and the names of objects that the right is limited to. */
function nameOf({ apiGroups, resourceNames = [] }: Rule, resource: string): string {
  const [name = '', ...subresource] = resource.split('/');
  const inGroup = apiGroups.map((group) => (group === '' ? name : `${name}.${group}`)).join('|');
  return [[inGroup, ...subresource].join('/'), ...resourceNames].join(' ');
}
