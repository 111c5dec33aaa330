import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsForever } from '../support/hob.ts';
import { containerFor, testAgent, type Agent } from './support/agent.ts';
import type { Cluster } from './support/cluster.ts';
import { ask, conditionOf, resourceOf, untilResource } from './support/resources.ts';
import { sharedCluster } from './support/shared-cluster.ts';

let cluster: Cluster;
let agent: Agent;
let namespace: string;

beforeAll(async () => {
  cluster = await sharedCluster();
  [namespace, agent] = await Promise.all([cluster.newNamespace(), testAgent(cluster)]);
  await agent.start();
});

afterAll(() => agent.dispose());

const container = (name: string, spec: object = {}, inside = namespace): object =>
  containerFor(agent, { name, namespace: inside, spec: { command: runsForever, ...spec } });
const apply = (name: string, spec: object = {}): Promise<void> => cluster.apply(container(name, spec));
const until = (
  name: string,
  what: string,
  holds: Parameters<typeof untilResource>[3],
): ReturnType<typeof untilResource> => untilResource(cluster, [namespace, name], what, holds);
const runs = (name: string): ReturnType<typeof untilResource> =>
  until(name, 'runs', (resource) => resource?.status?.phase === 'Running');
const path = (name: string, inside = namespace): string =>
  `/apis/hob.dev/v1alpha1/namespaces/${inside}/containers/${name}`;

describe('a spec that the definition takes and hob does not', () => {
  it('is Stalled, says why, makes no container, and goes with kubectl delete', async () => {
    await apply('swaps', { resources: { swap: '1Mi' } });
    const resource = await until('swaps', 'is stalled', (one) => conditionOf(one, 'Stalled')?.status === 'True');
    expect(conditionOf(resource, 'Stalled')).toMatchObject({
      reason: 'InvalidSpec',
      message: expect.stringMatching(/spec\.resources\.swap: .*memory/),
      observedGeneration: 1,
    });
    expect(resource?.status?.observedGeneration).toBe(1);
    expect(agent.get('swaps')).toBeUndefined();
    await expect
      .poll(() => cluster.events(namespace, 'swaps'))
      .toContainEqual(expect.objectContaining({ reason: 'InvalidSpec', type: 'Warning' }));
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'swaps');
  });

  it('of a container that runs leaves it as it was, and is forgotten when it is right again', async () => {
    await apply('turns');
    const before = (await runs('turns'))?.status?.pid;
    await apply('turns', { resources: { swap: '1Mi' } });
    const wrong = await until('turns', 'is stalled', (one) => conditionOf(one, 'Stalled')?.status === 'True');
    expect(wrong?.status).toMatchObject({
      phase: 'Running',
      pid: before,
      observedGeneration: wrong?.metadata.generation,
    });
    expect(conditionOf(wrong, 'Stalled')?.message).toContain('the last good spec stays in force');
    await apply('turns', { resources: { swap: '1Mi', memory: '32Mi' } });
    const right = await until('turns', 'is well', (one) => conditionOf(one, 'Stalled')?.status === 'False');
    expect(right?.status).toMatchObject({ phase: 'Running', pid: before });
  });

  it('has a name that is too long together with its namespace', async () => {
    const name = 'n'.repeat(120);
    await apply(name);
    const resource = await until(name, 'is stalled', (one) => conditionOf(one, 'Stalled')?.status === 'True');
    expect(conditionOf(resource, 'Stalled')?.message).toMatch(
      /metadata.name: together with the namespace .* more than 128/,
    );
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', name);
  });

  it('is from an older definition, without fields that this one has', async () => {
    // As an old one would have stored it: a field that hob does not know any more is told by its name.
    const { findings } = await import('../../src/api/validate.ts').then(({ validateContainer }) =>
      validateContainer({ ...container('old', { comand: ['x'] }) }),
    );
    expect(findings?.map(({ message }) => message).join()).toMatch(/no such field; did you mean command/);
  });
});

describe('a Container that is edited while it is being deleted', () => {
  it('goes all the same', async () => {
    await apply('edited', {
      command: ['/bin/sh', '-c', 'trap "sleep 1; exit 0" TERM; while true; do sleep 0.1; done'],
    });
    await runs('edited');
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'edited', '--wait=false');
    await ask(cluster, 'PATCH', path('edited'), { spec: { env: [{ name: 'A', value: 'b' }], nodeName: 'elsewhere' } });
    await until('edited', 'is gone', (one) => one === undefined);
    expect(agent.get('edited')).toBeUndefined();
  });
});

describe('annotations', () => {
  it('of 1 MB are refused by the server itself, and as many as it takes do no harm', async () => {
    const annotated = (size: number): object => ({
      ...container('annotated'),
      metadata: { name: 'annotated', namespace, annotations: { much: 'x'.repeat(size) } },
    });
    const create = (size: number): ReturnType<typeof ask> =>
      ask(cluster, 'POST', `/apis/hob.dev/v1alpha1/namespaces/${namespace}/containers`, annotated(size));
    expect(await create(1 << 20)).toMatchObject({
      code: 422,
      body: expect.stringContaining('must have at most 262144'),
    });
    expect((await create(262_000)).code).toBe(201);
    await runs('annotated');
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'annotated');
  });
});

describe('a namespace that is deleted under its containers', () => {
  it('is empty when they are torn down', async () => {
    const doomed = await cluster.newNamespace();
    for (const name of ['one', 'two']) await cluster.apply(container(name, {}, doomed));
    for (const name of ['one', 'two'])
      await untilResource(cluster, [doomed, name], 'runs', (resource) => resource?.status?.phase === 'Running');
    await cluster.kubectl('delete', 'namespace', doomed, '--wait=false');
    // There is no controller manager here to delete what is in it.
    await cluster.kubectl('-n', doomed, 'delete', 'containers.hob.dev', '--all');
    expect(agent.all().filter(({ metadata }) => metadata.namespace === doomed)).toEqual([]);
    // Events cannot be made there any more, which is nothing to make a noise about.
    expect(agent.output()).not.toMatch(/"level":50/);
  });
});

describe('a name that a file has as well', () => {
  it('is told on both sides, and the container of who was first runs on', async () => {
    agent.drop('shared', { command: runsForever });
    await agent.untilPhase('shared', 'Running');
    const { pid } = agent.get('shared')?.status ?? {};
    await cluster.apply(container('shared', {}, 'default'));
    const resource = await untilResource(
      cluster,
      ['default', 'shared'],
      'is stalled',
      (one) => conditionOf(one, 'Stalled')?.reason === 'NameTaken',
    );
    expect(conditionOf(resource, 'Stalled')?.message).toMatch(
      /shared\.yaml on this node declares a container of the same/,
    );
    expect(agent.get('shared')?.status?.pid).toBe(pid);
    await expect.poll(() => agent.output()).toMatch(/containers.hob.dev\/default\/shared.*NameTaken|NameTaken.*shared/);
    // Its deletion takes nothing along, and waits for nothing.
    await cluster.kubectl('delete', 'containers.hob.dev', 'shared');
    expect(agent.get('shared')?.status?.pid).toBe(pid);
  });

  it('goes to the Container when the file goes', async () => {
    await cluster.apply(container('shared', {}, 'default'));
    await untilResource(
      cluster,
      ['default', 'shared'],
      'waits',
      (one) => conditionOf(one, 'Stalled')?.reason === 'NameTaken',
    );
    agent.remove('shared');
    await untilResource(cluster, ['default', 'shared'], 'runs', (one) => one?.status?.phase === 'Running');
    expect(agent.tryCli('delete', 'shared').stderr).toMatch(
      /containers.hob.dev\/default\/shared of the API server: delete it there/,
    );
    await cluster.kubectl('delete', 'containers.hob.dev', 'shared');
    expect(agent.get('shared')).toBeUndefined();
  });
});

it('a file for another node is not for this one, and that is told once', async () => {
  agent.drop('foreign', { command: runsForever, nodeName: 'elsewhere' });
  await expect
    .poll(() => agent.output())
    .toMatch(/ForAnotherNode.*default\/foreign for another node than this, which is node-/);
  expect(agent.get('foreign')).toBeUndefined();
  expect(await resourceOf(cluster, 'default', 'foreign')).toBeUndefined();
});

describe('a container whose status changes all the time', () => {
  it('has it written once a second at most, and its events counted', async () => {
    await apply('hurries', { command: ['/bin/sh', '-c', 'exit 3'], restartPolicy: 'Always' });
    await runsOut();
    const events = await cluster.events(namespace, 'hurries');
    expect(events.filter(({ reason }) => reason === 'Exited').length).toBeLessThanOrEqual(1);
    expect(events.find(({ reason }) => reason === 'Exited')?.count).toBeGreaterThan(1);
    await cluster.kubectl('-n', namespace, 'delete', 'containers.hob.dev', 'hurries');
  });

  /** Until it has been started three times, looking at each version of it on the way. */
  async function runsOut(): Promise<void> {
    const versions = new Map<string, number>();
    await until('hurries', 'has crashed three times', (resource) => {
      versions.set(resource?.metadata.resourceVersion ?? '', Date.now());
      return (resource?.status?.restartCount ?? 0) >= 2;
    });
    const times = [...versions.values()];
    const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
    // The finalizer and the claim come on top.
    expect(versions.size).toBeLessThanOrEqual(Math.ceil(seconds) + 4);
  }
});
