import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, untilTrue } from '../support/hob.ts';
import type { KubeObject } from '../../src/sources/kubernetes/resource.ts';
import { containerFor, testAgent, type Agent } from './support/agent.ts';
import { startCluster, type OwnCluster } from './support/cluster.ts';
import { untilResource } from './support/resources.ts';
import { untilTrueSoon } from './support/until-true-soon.ts';

let cluster: OwnCluster;
let agent: Agent;
let pid: number | undefined;

beforeAll(async () => {
  cluster = await startCluster();
  agent = await testAgent(cluster);
  await agent.start();
  await apply('stays');
  pid = (await runs('stays'))?.status?.pid;
});

afterAll(async () => {
  await agent.dispose();
  await cluster.dispose();
});

const apply = (name: string, spec: object = {}): Promise<void> =>
  cluster.apply(containerFor(agent, { name, namespace: 'default', spec: { command: runsForever, ...spec } }));
const runs = (name: string): ReturnType<typeof untilResource> =>
  untilResource(cluster, ['default', name], 'runs', (resource) => resource?.status?.phase === 'Running');
const isGone = (name: string): ReturnType<typeof untilResource> =>
  untilResource(cluster, ['default', name], 'is gone', (resource) => resource === undefined);
/** By the container's own process, which is the same as at the beginning. */
const runsOn = (): void => expect(agent.get('stays')?.status).toMatchObject({ phase: 'Running', pid, restartCount: 0 });

/** The server takes what is wanted, and has it back. */
async function isCaughtUp(name: string): Promise<void> {
  await apply(name);
  await runs(name);
  await cluster.kubectl('delete', 'containers.hob.dev', name);
  expect(agent.get(name)).toBeUndefined();
  runsOn();
}

describe('nothing is torn down, and hob has caught up soon after, when the API server', () => {
  it('is stopped, and started again', async () => {
    await cluster.stopServer();
    await untilEvent(agent, 'kubernetes', 'SourceUnavailable', /cannot be reached: /);
    runsOn();
    await cluster.startServer();
    await isCaughtUp('after-stop');
    await untilEvent(agent, 'kubernetes', 'SourceAvailable', /again/);
  });

  it('is killed, while hob is restarted without it', async () => {
    await cluster.killServer();
    await agent.kill();
    await agent.start();
    await expect.poll(() => agent.get('stays')?.status?.phase).toBe('Running');
    runsOn();
    // What happens meanwhile is told when it is back.
    process.kill(pid ?? 0, 'SIGKILL');
    await agent.until('stays', 'runs again', (one) => one?.status?.phase === 'Running' && one.status.pid !== pid);
    pid = agent.get('stays')?.status?.pid;
    await cluster.startServer();
    await untilResource(cluster, ['default', 'stays'], 'is told of', (resource) => resource?.status?.pid === pid);
    expect(agent.get('stays')?.status?.restartCount).toBe(1);
  });

  it('has forgotten the past (410 Gone)', async () => {
    pid = agent.get('stays')?.status?.pid;
    await apply('goes-meanwhile');
    await runs('goes-meanwhile');
    await agent.stop();
    await cluster.kubectl('delete', 'containers.hob.dev', 'goes-meanwhile', '--wait=false');
    await agent.start();
    await cluster.compact();
    await isGone('goes-meanwhile');
    await apply('after-compaction');
    await runs('after-compaction');
    await cluster.kubectl('delete', 'containers.hob.dev', 'after-compaction');
    expect(agent.get('stays')?.status?.pid).toBe(pid);
  });

  it('says nothing any more, with its connections up (SIGSTOP)', async () => {
    cluster.suspend();
    await untilEvent(agent, 'kubernetes', 'SourceUnavailable', /no answer within|said nothing/).finally(cluster.resume);
    expect(agent.get('stays')?.status?.pid).toBe(pid);
    await apply('after-silence');
    await runs('after-silence');
    await cluster.kubectl('delete', 'containers.hob.dev', 'after-silence');
  });

  it('no longer lets it in, and lets it in again', async () => {
    await cluster.kubectl('delete', 'clusterrolebinding', 'hob-agent-containers');
    // An open watch lives on until the server ends it.
    await cluster.killServer();
    await cluster.startServer();
    await untilEvent(
      agent,
      'kubernetes',
      'SourceUnavailable',
      /cannot (list|watch) resource "containers" in API group "hob.dev".*manifests\/rbac/,
    );
    expect(agent.get('stays')?.status?.pid).toBe(pid);
    await cluster.kubectl('apply', '-f', 'manifests/rbac');
    await apply('after-rights');
    await runs('after-rights');
    await cluster.kubectl('delete', 'containers.hob.dev', 'after-rights');
  });

  it('does not know its token any more, until there is a new one in the file', async () => {
    const account = ['-n', 'hob-system', 'serviceaccount', 'hob-agent'];
    await cluster.kubectl('delete', ...account);
    await cluster.kubectl('create', ...account);
    await cluster.killServer();
    await cluster.startServer();
    await untilEvent(agent, 'kubernetes', 'SourceUnavailable', /does not know who this is/);
    expect(agent.get('stays')?.status?.pid).toBe(pid);
    const fresh = await cluster.agentKubeconfig('fresh');
    const token = (path: string): string => path.replace(/kubeconfig$/, 'token');
    writeFileSync(token(agent.kubeconfig), readFileSync(token(fresh)));
    await apply('after-token');
    await runs('after-token');
    await cluster.kubectl('delete', 'containers.hob.dev', 'after-token');
  });

  it('has no Containers any more, because their definition was taken away behind their backs, and has them again', async () => {
    // With hob asleep: the server wants to delete them all, and their finalizers keep them.
    await agent.kill();
    const definition = 'customresourcedefinition/containers.hob.dev';
    await cluster.kubectl('patch', definition, '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await cluster.kubectl('delete', definition, '--wait=false');
    await cluster
      .kubectl('patch', definition, '--type=merge', '-p', '{"metadata":{"finalizers":null}}')
      .catch(() => '');
    await agent.start();
    await untilEvent(agent, 'kubernetes', 'SourceUnavailable', /has no Containers.*kubectl apply -f manifests\/crd/);
    expect(agent.get('stays')?.status?.pid).toBe(pid);
    await cluster.kubectl('apply', '-f', 'manifests/crd');
    await untilTrueSoon('the definition is served', () => apply('after-definition').then(() => true));
    await runs('after-definition');
    await cluster.kubectl('delete', 'containers.hob.dev', 'after-definition');
  });
});

describe('a kubeconfig', () => {
  it('that is not there yet is waited for', async () => {
    const path = `${agent.dir}/later.kubeconfig`;
    const late = await testAgent(cluster, { kubeconfig: path });
    try {
      await late.start();
      await untilEvent(late, 'kubernetes', 'SourceUnavailable', /kubeconfig .*later.kubeconfig cannot be used: ENOENT/);
      writeFileSync(path, readFileSync(await cluster.agentKubeconfig('late')));
      writeFileSync(`${agent.dir}/late.token`, readFileSync(`${cluster.address.dir}/late.token`));
      await expect.poll(() => late.cli('sources')).toMatch(/kubernetes .*(true|yes)/i);
    } finally {
      await late.dispose();
    }
  });

  it('of somebody without rights says which one is missing', async () => {
    const powerless = await testAgent(cluster, { kubeconfig: cluster.powerlessKubeconfig });
    try {
      await powerless.start();
      await untilEvent(powerless, 'kubernetes', 'SourceUnavailable', /User "nobody" cannot list resource "containers"/);
    } finally {
      await powerless.dispose();
    }
  });

  it('of another cluster tears nothing down, and says so, until the operator says that it is meant', async () => {
    const other = await startCluster();
    const wanderer = await testAgent(cluster);
    try {
      const spec = { command: runsForever };
      await wanderer.start();
      await cluster.apply(containerFor(wanderer, { name: 'settled', namespace: 'default', spec }));
      const before = (await runs('settled'))?.status?.pid;
      await wanderer.kill();
      writeFileSync(wanderer.kubeconfig, readFileSync(await other.agentKubeconfig('wanderer')));
      await wanderer.start();
      await untilEvent(wanderer, 'kubernetes', 'SourceUnavailable', /another cluster .*--cluster [0-9a-f-]{36}/);
      await delay(500);
      expect(wanderer.get('settled')?.status).toMatchObject({ phase: 'Running', pid: before });
      const { metadata } = JSON.parse(
        await other.kubectl('get', 'namespace', 'kube-system', '-o', 'json'),
      ) as KubeObject;
      expect(wanderer.output()).toContain(`--cluster ${metadata.uid}`);
    } finally {
      await wanderer.dispose();
      await other.dispose();
    }
  });
});

it('a server that is away is told of once, and not at each try', async () => {
  const before = agent.output().length;
  const told = (): number => agent.output().slice(before).split('SourceUnavailable').length - 1;
  await cluster.killServer();
  await untilTrue(
    'hob says so',
    () => told() > 0,
    () => agent.output().slice(-3_000),
  );
  await delay(3_000);
  expect(told()).toBe(1);
  await cluster.startServer();
});
