import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from './support/cluster.ts';
import type { OwnCluster } from './support/cluster.ts';

describe('a cluster of a test', () => {
  let cluster: OwnCluster | undefined;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster?.dispose());

  it('answers nothing while it is suspended', async () => {
    const { suspend, resume, tryKubectl, get } = there(cluster);
    suspend();
    const { code } = await tryKubectl('get', 'namespaces', '--request-timeout=1s').finally(resume);
    expect(code).toBe(1);
    expect(await get('namespace', 'hob-system')).toBeDefined();
  });

  it('has what it had when it comes back, and after a compaction knows nothing of how it came to it', async () => {
    const { newNamespace, kubectl, tryKubectl, get, stopServer, compact } = there(cluster);
    const namespace = await newNamespace();
    const past = (await get('namespace', namespace))?.metadata.resourceVersion;
    await newNamespace();
    const watch = `/api/v1/namespaces?watch=true&timeoutSeconds=1&resourceVersion=${past}`;
    expect(await kubectl('get', '--raw', watch)).not.toContain('410');

    await stopServer();
    expect((await tryKubectl('get', 'namespaces')).stderr).toContain('refused');
    await compact();

    expect(await get('namespace', namespace)).toMatchObject({ metadata: { name: namespace } });
    expect(await kubectl('get', '--raw', watch)).toContain('"code":410');
  });
});

function there(cluster: OwnCluster | undefined): OwnCluster {
  if (!cluster) throw new Error('the cluster did not start');
  return cluster;
}
