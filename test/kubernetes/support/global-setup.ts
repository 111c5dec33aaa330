import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startCluster } from './cluster.ts';
import type { Address, OwnCluster } from './cluster.ts';

/** What a test file that asks for the shared cluster is told. */
export type Answer = { address: Address } | { error: string };

declare module 'vitest' {
  export interface ProvidedContext {
    /** The socket on which to ask for the shared cluster. */
    sharedCluster: string;
  }
}

/** One cluster for all test files of a run, started when the first of them asks for it; ended with the run. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const dir = mkdtempSync(join(tmpdir(), 'hob-shared-cluster-'));
  let cluster: Promise<OwnCluster> | undefined;
  const server = createServer((connection) => {
    const tell = (answer: Answer): unknown => connection.on('error', () => undefined).end(JSON.stringify(answer));
    cluster ??= startCluster();
    cluster.then(
      ({ address }) => tell({ address }),
      (error: unknown) => tell({ error: String(error) }),
    );
  });
  server.listen(join(dir, 'socket'));
  await once(server, 'listening');
  provide('sharedCluster', join(dir, 'socket'));

  return async () => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
    await (await cluster?.catch(() => undefined))?.dispose();
  };
}
