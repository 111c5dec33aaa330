import { testHob, type TestHob } from '../../support/hob.ts';
import type { Cluster } from './cluster.ts';

let count = 0;

export interface AgentOptions {
  /** Its name, where a test wants to know it. */
  readonly node?: string;
  /** Flags of `hob run` beside those of every agent. */
  readonly args?: readonly string[];
  /** Instead of one with the rights of manifests/rbac. */
  readonly kubeconfig?: string;
}

/** A real hob that keeps the Containers of a cluster, with the rights that manifests/rbac gives it. */
export interface Agent extends TestHob {
  readonly node: string;
  readonly kubeconfig: string;
}

/** It is not started yet. */
export async function testAgent(cluster: Cluster, options: AgentOptions = {}): Promise<Agent> {
  const node = options.node ?? `node-${process.pid}-${++count}`;
  const kubeconfig = options.kubeconfig ?? (await cluster.agentKubeconfig(node));
  const args = ['--kubernetes', '--kubeconfig', kubeconfig, '--node-name', node, ...(options.args ?? [])];
  return Object.assign(testHob({ args }), { node, kubeconfig });
}

export interface Wish {
  readonly name: string;
  readonly namespace: string;
  readonly spec: object;
}

/** A Container as people write it; what it does not say is: run for ever, in the agent's root filesystem, on its node. */
export const containerFor = (agent: Agent, { name, namespace, spec }: Wish): object => ({
  apiVersion: 'hob.dev/v1alpha1',
  kind: 'Container',
  metadata: { name, namespace },
  spec: { nodeName: agent.node, rootfs: { path: agent.rootfs }, ...spec },
});
