import { readFileSync } from 'node:fs';
import type { ContainerResources } from '../../api/container.ts';
import { cpuCount, memoryBytes } from '../../api/quantity.ts';
import type { OciConfig } from '../runtime.ts';
import { bundleBase, defaultPids } from './base.ts';
import type { OciDocument, OciResources } from './types.ts';

/** One CPU is this much time in each period of this length, in microseconds. */
const cpuPeriod = 100_000;

/** `linux.resources` of a configuration: the limits that the spec gives. */
export function ociResources(resources: ContainerResources = {}): OciResources {
  const { memory, swap = 0, cpuShares, cpuQuota, cpus, pids } = resources;
  const cpu = {
    ...(cpuShares !== undefined && { shares: cpuShares }),
    ...(cpuQuota !== undefined && { quota: Math.round(cpuCount(cpuQuota) * cpuPeriod), period: cpuPeriod }),
    ...(cpus !== undefined && { cpus }),
  };
  return {
    ...(memory !== undefined && { memory: memoryLimits(memory, swap) }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: pids } }),
  };
}

/** OCI counts memory and swap together; the spec counts swap on top. */
function memoryLimits(memory: number | string, swap: number | string): { limit: number; swap: number } {
  const limit = memoryBytes(memory);
  return { limit, swap: limit + memoryBytes(swap) };
}

/** The spec's limits over those of the base. */
export function withResources(
  document: OciDocument,
  { spec }: { spec: { resources?: ContainerResources } },
): OciDocument {
  return {
    ...document,
    linux: { ...document.linux, resources: merged(document.linux.resources, ociResources(spec.resources)) },
  };
}

function merged(base: OciResources = {}, over: OciResources): OciResources {
  return {
    ...base,
    ...over,
    ...((base.memory ?? over.memory) && { memory: { ...base.memory, ...over.memory } }),
    ...((base.cpu ?? over.cpu) && { cpu: { ...base.cpu, ...over.cpu } }),
  };
}

/**
 * What `crun update` has to be told when the limits of a running container become `wanted`. crun leaves alone what it is
 * not told, so a limit that goes is set back: to that of the bundle, else to what a container has that never had it.
 * @param had the limits of the spec that the container has now
 * @param bundleConfig the config.json of its bundle, if it is made from one
 */
export function resourcesUpdate(
  wanted: ContainerResources = {},
  had: ContainerResources = {},
  bundleConfig?: OciConfig,
  allCPUs: () => string = onlineCPUs,
): OciResources {
  return merged(merged(unlimited(had, allCPUs), baseLimits(bundleConfig)), ociResources(wanted));
}

/** What a container has of which the spec says nothing: told each time, as somebody else may have changed it. */
function baseLimits(bundleConfig?: OciConfig): OciResources {
  if (bundleConfig === undefined) return { pids: { limit: defaultPids } };
  const { memory, cpu, pids } = bundleBase(bundleConfig).linux.resources ?? {};
  return { ...(memory && { memory }), ...(cpu && { cpu }), ...(pids && { pids }) };
}

/** For each limit the value that is none. crun 1.8 cannot write "no quota", but it can write a quota of 1000 CPUs. */
function unlimited(
  { memory, cpuShares, cpuQuota, cpus, pids }: ContainerResources,
  allCPUs: () => string,
): OciResources {
  const cpu = {
    ...(cpuShares !== undefined && { shares: 1024 }),
    ...(cpuQuota !== undefined && { quota: 1000 * cpuPeriod, period: cpuPeriod }),
    ...(cpus !== undefined && { cpus: allCPUs() }),
  };
  return {
    ...(memory !== undefined && { memory: { limit: -1, swap: -1 } }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(pids !== undefined && { pids: { limit: defaultPids } }),
  };
}

const onlineCPUs = (): string => readFileSync('/sys/devices/system/cpu/online', 'utf8').trim();
