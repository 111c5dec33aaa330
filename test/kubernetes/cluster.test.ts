import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from './support/cluster.ts';
import type { OwnCluster } from './support/cluster.ts';

describe('a cluster for tests', () => {
  let cluster: OwnCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.dispose());

  it('is there with what it had after its server was stopped and killed', async () => {
    const namespace = await cluster.newNamespace();
    await cluster.stopServer();
    await expect(cluster.kubectl('get', 'namespace', namespace)).rejects.toThrow('refused');
    await cluster.startServer();
    await cluster.killServer();
    await cluster.startServer();
    expect(await cluster.get('namespace', namespace)).toMatchObject({ metadata: { name: namespace } });
  });

  it('answers nothing while it is suspended', async () => {
    cluster.suspend();
    const { stderr } = await cluster.tryKubectl('get', 'namespaces', '--request-timeout=1s').finally(cluster.resume);
    expect(stderr).toMatch(/[Tt]imeout|deadline/);
    expect(await cluster.get('namespace', 'hob-system')).toBeDefined();
  });

  it('has forgotten the past after a compaction', async () => {
    const past = (await cluster.get('namespace', await cluster.newNamespace()))?.metadata.resourceVersion;
    await cluster.newNamespace();
    const watch = `/api/v1/namespaces?watch=true&timeoutSeconds=1&resourceVersion=${past}`;
    expect(await cluster.kubectl('get', '--raw', watch)).not.toContain('410');
    await cluster.compact();
    expect(await cluster.kubectl('get', '--raw', watch)).toContain('"code":410');
  });
});
