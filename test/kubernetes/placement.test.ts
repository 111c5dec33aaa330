import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsForever } from '../support/hob.ts';
import type { ContainerResource } from '../../src/sources/kubernetes/resource.ts';
import { containerFor, testAgent, type Agent } from './support/agent.ts';
import type { Cluster } from './support/cluster.ts';
import { ask, resourceOf, untilResource } from './support/resources.ts';
import { sharedCluster } from './support/shared-cluster.ts';

let cluster: Cluster;
let namespace: string;
let agents: Agent[];
let [one, two, three]: Agent[] = [];

beforeAll(async () => {
  cluster = await sharedCluster();
  namespace = await cluster.newNamespace();
  agents = await Promise.all([
    testAgent(cluster, { node: `${namespace}-one`, args: ['--node-label', 'zone=north', '--namespace', namespace] }),
    testAgent(cluster, { node: `${namespace}-two`, args: ['--node-label', 'zone=south', '--namespace', namespace] }),
    testAgent(cluster, { node: `${namespace}-three`, args: ['--node-label', 'zone=south', '--namespace', namespace] }),
  ]);
  [one, two, three] = agents;
  for (const { dir } of agents) mkdirSync(join(dir, 'traces'));
  await Promise.all(agents.map((agent) => agent.start()));
});

afterAll(() => Promise.all(agents.map((agent) => agent.dispose())));

/** Notes when it begins and when it ends in a file that outlives it, and is in no hurry to end. */
const traced = (agent: Agent, name: string, spec: object): object => {
  const note = (word: string): string => `echo ${word} $(cut -d" " -f1 /proc/uptime) >>/traces/${name}`;
  const command = `trap '${note('end')}; exit 0' TERM; ${note('begin')}; while true; do sleep 0.1; done`;
  return containerFor(agent, {
    name,
    namespace,
    spec: {
      command: ['/bin/sh', '-c', command],
      mounts: [{ destination: '/traces', source: join((one ?? agent).dir, 'traces') }],
      rootfs: { path: (one ?? agent).rootfs },
      ...spec,
    },
  });
};

const traceOf = (name: string): string[] =>
  readFileSync(join(one?.dir ?? '', 'traces', name), 'utf8')
    .trim()
    .split('\n');

const runsOn = (name: string, agent: Agent | undefined): ReturnType<typeof untilResource> =>
  untilResource(
    cluster,
    [namespace, name],
    `runs on ${agent?.node}`,
    (resource) => resource?.status?.phase === 'Running' && resource.status.nodeName === agent?.node,
  );

/** The agents that have a container of this name, by their own word. */
const having = (name: string): (string | undefined)[] =>
  agents.filter((agent) => agent.get(name) !== undefined).map(({ node }) => node);

describe('spec.nodeName', () => {
  it('says which node runs it, and no other does', async () => {
    await cluster.apply(traced(one as Agent, 'named', { nodeName: two?.node }));
    await runsOn('named', two);
    expect(having('named')).toEqual([two?.node]);
  });

  it("can change: it has ended there before it begins here, and its deletion is the new node's business", async () => {
    for (const agent of [three, one, two]) {
      await cluster.apply(traced(one as Agent, 'named', { nodeName: agent?.node }));
      await runsOn('named', agent);
      expect(having('named')).toEqual([agent?.node]);
    }
    await expect
      .poll(() => traceOf('named').map((line) => line.split(' ')[0]))
      .toEqual(['begin', 'end', 'begin', 'end', 'begin', 'end', 'begin']);
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'named');
    expect(having('named')).toEqual([]);
  });

  it('of a node that is dead keeps it there, until somebody says that the node is gone for good', async () => {
    await cluster.apply(traced(one as Agent, 'stranded', { nodeName: three?.node }));
    await runsOn('stranded', three);
    await three?.kill();
    await cluster.apply(traced(one as Agent, 'stranded', { nodeName: two?.node }));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect((await resourceOf(cluster, namespace, 'stranded'))?.status).toMatchObject({ nodeName: three?.node });
    expect(two?.get('stranded')).toBeUndefined();
    const path = `/apis/hob.dev/v1alpha1/namespaces/${namespace}/containers/stranded/status`;
    expect((await ask(cluster, 'PATCH', path, { status: { nodeName: null } })).code).toBe(200);
    await runsOn('stranded', two);
    // It was not gone: it sees that another has it, ends its own, and leaves the other's alone.
    await three?.start();
    await expect.poll(() => having('stranded')).toEqual([two?.node]);
    await runsOn('stranded', two);
  });

  it('of a dead node need not keep its deletion: the finalizer can be taken off by hand, and the node tears down when it is back', async () => {
    await cluster.apply(traced(one as Agent, 'forced', { nodeName: three?.node }));
    await runsOn('forced', three);
    await three?.kill();
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'forced', '--wait=false');
    const path = `/apis/hob.dev/v1alpha1/namespaces/${namespace}/containers/forced`;
    await ask(cluster, 'PATCH', path, { metadata: { finalizers: null } });
    expect(await resourceOf(cluster, namespace, 'forced')).toBeUndefined();
    await three?.start();
    await expect.poll(() => having('forced')).toEqual([]);
  });
});

describe('spec.nodeSelector', () => {
  it('is met by labels of the agents, and of two that it fits one has it', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await cluster.apply(
      ...names.map((name) => traced(one as Agent, name, { nodeName: undefined, nodeSelector: { zone: 'south' } })),
    );
    for (const name of names)
      await untilResource(cluster, [namespace, name], 'runs', (resource) => resource?.status?.phase === 'Running');
    for (const name of names) {
      const { status } = (await resourceOf(cluster, namespace, name)) ?? {};
      expect([two?.node, three?.node]).toContain(status?.nodeName);
      expect(having(name)).toEqual([status?.nodeName]);
      await expect.poll(() => traceOf(name)).toHaveLength(1);
    }
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', ...names);
  });

  it('is met by labels of the Node object, also when they come later, and no longer when they go', async () => {
    await cluster.apply(traced(one as Agent, 'labelled', { nodeName: undefined, nodeSelector: { disk: 'fast' } }));
    await cluster.apply({ apiVersion: 'v1', kind: 'Node', metadata: { name: one?.node, labels: { disk: 'slow' } } });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(having('labelled')).toEqual([]);
    await cluster.kubectl('label', 'node', one?.node ?? '', 'disk=fast', '--overwrite');
    await runsOn('labelled', one);
    await cluster.kubectl('label', 'node', one?.node ?? '', 'disk-');
    await untilResource(
      cluster,
      [namespace, 'labelled'],
      "is nobody's",
      (resource) => resource?.status?.nodeName === undefined,
    );
    expect(having('labelled')).toEqual([]);
    await cluster.kubectl('delete', 'node', one?.node ?? '');
  });
});

it('a Container that an agent lets go of may be edited, or deleted, meanwhile', async () => {
  const choosy = await testAgent(cluster, { args: ['--namespace', namespace, '--selector', 'tier!=core'] });
  const label = (word: string): Promise<string> =>
    cluster.kubectl('-n', namespace, 'label', 'containers.hob.dev', 'chosen', word);
  const command = ['/bin/sh', '-c', 'trap "sleep 1; exit 0" TERM; while true; do sleep 0.1; done'];
  try {
    await choosy.start();
    await cluster.apply(containerFor(choosy, { name: 'chosen', namespace, spec: { command } }));
    await runsOn('chosen', choosy);
    await label('tier=core');
    await label('edited=meanwhile');
    const isFree = (resource: ContainerResource | undefined): boolean => resource?.status?.nodeName === undefined;
    const left = await untilResource(cluster, [namespace, 'chosen'], 'is let go of', isFree);
    expect(left?.metadata.finalizers ?? []).toEqual([]);
    await label('tier-');
    await runsOn('chosen', choosy);
    await label('tier=core');
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'chosen');
    expect(choosy.get('chosen')).toBeUndefined();
  } finally {
    await choosy.dispose();
  }
});

it('a Container whose labels are changed while its agent is dead is torn down by the next hob, and let go of', async () => {
  const choosy = await testAgent(cluster, { args: ['--namespace', namespace, '--selector', 'tier!=core'] });
  try {
    await choosy.start();
    await cluster.apply(containerFor(choosy, { name: 'relabelled', namespace, spec: { command: runsForever } }));
    await runsOn('relabelled', choosy);
    await choosy.kill();
    await cluster.kubectl('-n', namespace, 'label', 'containers.hob.dev', 'relabelled', 'tier=core');
    await choosy.start();
    const isFree = (resource: ContainerResource | undefined): boolean => resource?.status?.nodeName === undefined;
    const left = await untilResource(cluster, [namespace, 'relabelled'], 'is let go of', isFree);
    expect(left?.metadata.finalizers ?? []).toEqual([]);
    expect(choosy.get('relabelled')).toBeUndefined();
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'relabelled');
  } finally {
    await choosy.dispose();
  }
});

it('another hob of the same node name does not touch anything, and says why', async () => {
  const rival = await testAgent(cluster, { node: two?.node ?? '', args: ['--namespace', namespace] });
  try {
    await cluster.apply(traced(one as Agent, 'contested', { nodeName: two?.node }));
    await runsOn('contested', two);
    await rival.start();
    await expect.poll(() => rival.output()).toMatch(/another hob goes by the node name .*-two .*--node-name/);
    expect(rival.get('contested')).toBeUndefined();
  } finally {
    await rival.dispose();
  }
});

it('a Container whose labels no longer fit the selector of its agent is torn down, and let go of', async () => {
  const selective = await testAgent(cluster, { args: ['--namespace', namespace, '--selector', 'tier=edge'] });
  try {
    await selective.start();
    const container = containerFor(selective, { name: 'selected', namespace, spec: { command: runsForever } });
    await cluster.apply(container);
    await cluster.kubectl('-n', namespace, 'label', 'containers.hob.dev', 'selected', 'tier=edge');
    await runsOn('selected', selective);
    await cluster.kubectl('-n', namespace, 'label', 'containers.hob.dev', 'selected', 'tier=core', '--overwrite');
    const left = await untilResource(
      cluster,
      [namespace, 'selected'],
      'is let go of',
      (resource) => resource?.status?.nodeName === undefined,
    );
    expect(left?.metadata.finalizers ?? []).toEqual([]);
    expect(selective.get('selected')).toBeUndefined();
    await cluster.kubectl('-n', namespace, 'label', 'containers.hob.dev', 'selected', 'tier=edge', '--overwrite');
    await runsOn('selected', selective);
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'selected');
  } finally {
    await selective.dispose();
  }
});

it('each agent has a lease in hob-system that it renews', async () => {
  const leases = await cluster.kubectl('-n', 'hob-system', 'get', 'leases', '-o', 'name');
  for (const { node } of agents) expect(leases).toContain(`lease.coordination.k8s.io/${node}\n`);
});
