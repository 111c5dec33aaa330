import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { formats } from '../api/formats.ts';
import type { Node } from '../api/placement.ts';
import type { DaemonOptions, KubernetesPlace } from '../daemon/options.ts';
import { usageError } from './cli-error.ts';

/** Flags of `hob run` that say what this host is called, and whose Containers it takes on. */
export const placementFlags = {
  'node-name': { type: 'string' },
  'node-label': { type: 'string', multiple: true },
  kubernetes: { type: 'boolean', default: false },
  kubeconfig: { type: 'string' },
  namespace: { type: 'string' },
  selector: { type: 'string' },
  cluster: { type: 'string' },
} as const;

interface Values {
  readonly 'node-name'?: string | undefined;
  readonly 'node-label'?: readonly string[] | undefined;
  readonly kubernetes: boolean;
  readonly kubeconfig?: string | undefined;
  readonly namespace?: string | undefined;
  readonly selector?: string | undefined;
  readonly cluster?: string | undefined;
}

/** @throws CliError when they do not fit together */
export function placementOf(values: Values): Pick<DaemonOptions, 'node' | 'kubernetes'> {
  const node = { name: nodeName(values['node-name']), labels: nodeLabels(values['node-label']) };
  const place = kubernetesPlace(values);
  return place ? { node, kubernetes: place } : { node };
}

/** A host name may have capitals, a node name not. */
function nodeName(given = process.env['HOB_NODE_NAME'] || hostname().toLowerCase()): string {
  const fault = formats['dns-subdomain']?.(given);
  if (fault || given.length > 253)
    throw usageError(
      'run',
      `"${given}" cannot be a node name: expected ${fault?.words ?? 'at most 253 characters'}; give one with --node-name`,
    );
  return given;
}

function nodeLabels(given: readonly string[] = []): Node['labels'] {
  return Object.fromEntries(given.map(nodeLabel));
}

function nodeLabel(text: string): [string, string] {
  const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  const fault = formats['label-value']?.(value);
  if (name === '' || fault) throw usageError('run', `--node-label takes NAME=VALUE, such as zone=north, not "${text}"`);
  return [name, value];
}

function kubernetesPlace({
  kubernetes,
  kubeconfig,
  namespace,
  selector,
  cluster,
}: Values): KubernetesPlace | undefined {
  const given = Object.entries({ kubeconfig, namespace, selector, cluster }).filter(([, value]) => value !== undefined);
  const [first] = given;
  if (!kubernetes && first) throw usageError('run', `--${first[0]} goes with --kubernetes`);
  if (!kubernetes) return undefined;
  const { kubeconfig: file, ...others } = Object.fromEntries(given) as Record<string, string>;
  return { ...others, ...(file !== undefined && { kubeconfig: resolve(file) }) };
}
