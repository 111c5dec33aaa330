import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { clusterAt } from './cluster.ts';
import type { Cluster } from './cluster.ts';
import type { Answer } from './global-setup.ts';

/**
 * The one cluster of this run, for tests that need a cluster and do no harm to it: each in a namespace of its own, and with node names of
 * its own for its agents. A start costs 3 s of a processor, so what harms none should share.
 */
export async function sharedCluster(): Promise<Cluster> {
  const answer = JSON.parse(await text(connect(inject('sharedCluster')))) as Answer;
  if ('error' in answer) throw new Error(`the shared cluster does not start: ${answer.error}`);
  return clusterAt(answer.address);
}
