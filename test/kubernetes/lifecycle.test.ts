import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runsForever } from '../support/hob.ts';
import { putShellPlugin } from '../support/faults.ts';
import { containerFor, testAgent, type Agent } from './support/agent.ts';
import type { Cluster } from './support/cluster.ts';
import { conditionOf, resourceOf, untilResource } from './support/resources.ts';
import { sharedCluster } from './support/shared-cluster.ts';

let cluster: Cluster;
let agent: Agent;
let namespace: string;

beforeAll(async () => {
  cluster = await sharedCluster();
  [namespace, agent] = await Promise.all([cluster.newNamespace(), testAgent(cluster)]);
  // A hook that takes its time: whoever deletes has to wait for it.
  putShellPlugin(agent, 'slow', 16, 'preDestruction) sleep 1 ;;');
  await agent.start();
});

afterAll(() => agent.dispose());

const apply = (name: string, spec: object = {}): Promise<void> =>
  cluster.apply(containerFor(agent, { name, namespace, spec: { command: runsForever, ...spec } }));
const kubectl = (...args: string[]): Promise<string> => cluster.kubectl('-n', namespace, ...args);
const until = (
  name: string,
  what: string,
  holds: Parameters<typeof untilResource>[3],
): ReturnType<typeof untilResource> => untilResource(cluster, [namespace, name], what, holds);

describe('a Container that is applied', () => {
  it('runs, and kubectl wait, get and describe say so', async () => {
    await apply('web');
    await kubectl('wait', '--for=condition=Ready', 'containers.hob.dev/web', '--timeout=30s');
    const container = agent.get('web');
    const resource = await resourceOf(cluster, namespace, 'web');
    expect(resource?.status).toMatchObject({
      phase: 'Running',
      nodeName: agent.node,
      pid: container?.status?.pid,
      observedGeneration: resource?.metadata.generation,
    });
    expect(resource?.metadata.finalizers).toEqual(['hob.dev/teardown']);
    // hob shows the server's generation, and not kubectl's own notes.
    expect(container?.metadata.generation).toBe(resource?.metadata.generation);
    expect(container?.metadata.annotations).toEqual({});
    const table = await kubectl('get', 'containers.hob.dev');
    expect(table).toMatch(/^NAME +PHASE +READY +RESTARTS +EXIT +NODE +AGE\nweb +Running +True +0 +/);
    expect(table).toContain(agent.node);
    await expect
      .poll(() => kubectl('describe', 'containers.hob.dev', 'web'))
      .toMatch(/Started .*hob.*started, pid \d+/);
  });

  it('has its status written no more when nothing happens', async () => {
    await until('web', 'is told of', (resource) => resource?.status?.phase === 'Running');
    const before = await resourceOf(cluster, namespace, 'web');
    await delay(2_500);
    expect((await resourceOf(cluster, namespace, 'web'))?.metadata.resourceVersion).toBe(
      before?.metadata.resourceVersion,
    );
  });

  it('changes in place where that can be, and else is made anew', async () => {
    await apply('changes', { resources: { memory: '32Mi' } });
    const first = await until('changes', 'runs', (resource) => resource?.status?.phase === 'Running');
    await apply('changes', { resources: { memory: '48Mi' } });
    const second = await until(
      'changes',
      'has its new limits',
      (resource) => resource?.metadata.generation === 2 && resource.status?.observedGeneration === 2,
    );
    expect(second?.status?.pid).toBe(first?.status?.pid);
    await apply('changes', { env: [{ name: 'A', value: 'b' }] });
    const third = await until(
      'changes',
      'is another instance',
      (resource) => resource?.status?.observedGeneration === 3 && resource.status.phase === 'Running',
    );
    expect(third?.status?.instanceID).not.toBe(first?.status?.instanceID);
  });

  it('that ends is Completed with its exit code, and one that fails is Failed, by the rules of kstatus', async () => {
    const once = { restartPolicy: 'Never' };
    await apply('job', { ...once, command: ['/bin/true'] });
    await apply('broken', { ...once, command: ['/bin/sh', '-c', 'exit 7'] });
    const job = await until('job', 'has ended', (resource) => resource?.status?.phase === 'Completed');
    // One that is False would be in progress for ever.
    expect(conditionOf(job, 'Ready')).toBeUndefined();
    expect(conditionOf(job, 'Stalled')).toMatchObject({ status: 'False' });
    const broken = await until('broken', 'has failed', (resource) => resource?.status?.phase === 'Failed');
    expect(broken?.status).toMatchObject({ lastTermination: { exitCode: 7 } });
    expect(conditionOf(broken, 'Stalled')).toMatchObject({ status: 'True' });
    expect(await kubectl('get', 'containers.hob.dev')).toMatch(/broken +Failed +False +0 +7 /);
  });
});

describe('a Container that is deleted', () => {
  it('is gone when kubectl delete returns, after its teardown hooks', async () => {
    await apply('goes', { plugins: [{ name: 'slow' }] });
    const { status } = (await until('goes', 'runs', (resource) => resource?.status?.phase === 'Running')) ?? {};
    await kubectl('delete', 'containers.hob.dev', 'goes');
    expect(agent.get('goes')).toBeUndefined();
    expect(() => process.kill(status?.pid ?? 0, 0)).toThrow();
  });

  it('and applied again runs anew', async () => {
    await apply('goes');
    await until('goes', 'runs', (resource) => resource?.status?.phase === 'Running');
    await kubectl('delete', 'containers.hob.dev', 'goes');
  });

  it('while hob is dead waits for it, and is gone soon after its start', async () => {
    await apply('late', { plugins: [{ name: 'slow' }] });
    await until('late', 'runs', (resource) => resource?.status?.phase === 'Running');
    await agent.kill();
    await kubectl('delete', 'containers.hob.dev', 'late', '--wait=false');
    expect(await resourceOf(cluster, namespace, 'late')).toMatchObject({
      metadata: { deletionTimestamp: expect.any(String) },
    });
    await agent.start();
    await until('late', 'is gone', (resource) => resource === undefined);
    expect(agent.get('late')).toBeUndefined();
  });
});

it('after a death of hob the same process runs, and nothing of it is written anew', async () => {
  await apply('stays');
  await until('stays', 'runs', (resource) => resource?.status?.phase === 'Running');
  await expect
    .poll(() => kubectl('get', 'events', '--field-selector=involvedObject.name=stays', '-o', 'name'))
    .toContain('event/');
  const before = await resourceOf(cluster, namespace, 'stays');
  await agent.kill();
  await agent.start();
  await expect.poll(() => agent.cli('sources', '-o', 'json')).toMatch(/"name": "kubernetes",\s+"synced": true/);
  await delay(1_500);
  expect(await resourceOf(cluster, namespace, 'stays')).toEqual(before);
  expect(agent.get('stays')?.status).toMatchObject({ pid: before?.status?.pid, restartCount: 0 });
});

it('hob down tears all down and lets go of it on the server, so that a delete need not wait for this node', async () => {
  await apply('last');
  await until('last', 'runs', (resource) => resource?.status?.phase === 'Running');
  agent.cli('down');
  const left = await resourceOf(cluster, namespace, 'last');
  expect(left?.metadata.finalizers ?? []).toEqual([]);
  expect(left?.status).toMatchObject({ phase: 'Pending' });
  expect(left?.status?.nodeName).toBeUndefined();
  expect(left?.status?.pid).toBeUndefined();
  await kubectl('delete', 'containers.hob.dev', 'last');
});
