import { join } from 'node:path';
import { cgroupPaths, type CgroupLayout } from '../host/cgroups.ts';
import { asRecord } from './json.ts';
import type { OciResources } from './oci/types.ts';
import type { OciConfig } from './runtime.ts';
import { readSmall } from './small-file.ts';

/** A file of a cgroup, and the text that fits what crun was told. */
interface Limit {
  readonly controller: string;
  readonly file: string;
  readonly wanted: number | string;
  readonly fits: (found: string) => boolean;
}

/** The files of limits that hob sets, on cgroup v1 and v2, and those that hold a container still. */
export const controlFiles: ReadonlySet<string> = new Set([
  ...['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes', 'cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'],
  ...['memory.max', 'memory.swap.max', 'cpu.weight', 'cpu.max', 'cpuset.cpus', 'pids.max'],
  ...['freezer.state', 'cgroup.freeze'],
]);

/** The controllers whose directories hold these files. */
export const watchedControllers: readonly string[] = ['freezer', 'memory', 'cpu', 'cpuset', 'pids'];

/** Of `linux.resources`, what can be held against the cgroup. */
export function limitsOf(resources: unknown): OciResources {
  const { memory, cpu, pids } = asRecord(resources) as OciResources;
  return { ...(memory && { memory }), ...(cpu && { cpu }), ...(pids && { pids }) };
}

/** What crun was told at the start, and what it was told last. */
export function mergedLimits(first: OciConfig, last: OciConfig): OciResources {
  const [before, after] = [limitsOf(first), limitsOf(last)];
  return {
    ...before,
    ...after,
    ...((before.memory ?? after.memory) && { memory: { ...before.memory, ...after.memory } }),
    ...((before.cpu ?? after.cpu) && { cpu: { ...before.cpu, ...after.cpu } }),
  };
}

/**
 * Which limits of a container are not what crun was told, each in words. What it was not told may be anything, and a limit whose file cannot
 * be read (its controller is not there) is none.
 */
export function limitsOff(
  told: OciResources,
  cgroupsPath: string,
  layout: CgroupLayout,
  read: (path: string) => string = readSmall,
): string[] {
  const directories = cgroupPaths(cgroupsPath, layout);
  const isV2 = (controller: string): boolean => layout.controllers.get(controller) === layout.unified;
  // What is 0, crun is not told either.
  const wantedLimits = limits(told, isV2).filter(({ wanted }) => wanted !== 0);
  return wantedLimits.flatMap(({ controller, file, wanted, fits }) => {
    const found = read(join(directories.get(controller) ?? '', file)).trim();
    return found === '' || fits(found) ? [] : [`${file} was ${found}, not ${wanted}`];
  });
}

function limits({ memory, cpu, pids }: OciResources, isV2: (controller: string) => boolean): Limit[] {
  return [
    ...(memory ? memoryLimits(memory, isV2('memory')) : []),
    ...(cpu ? cpuLimits(cpu, isV2('cpu')) : []),
    ...(cpu?.cpus === undefined ? [] : [cpusLimit(cpu.cpus)]),
    ...(pids ? [{ controller: 'pids', file: 'pids.max', wanted: pids.limit, fits: is(pids.limit) }] : []),
  ];
}

function memoryLimits({ limit, swap }: NonNullable<OciResources['memory']>, v2: boolean): Limit[] {
  const [memoryFile, swapFile] = v2
    ? ['memory.max', 'memory.swap.max']
    : ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'];
  const bytes = (file: string, wanted: number): Limit => ({
    controller: 'memory',
    file,
    wanted,
    fits: isBytes(wanted),
  });
  // Where the two are counted together, and where swap is counted alone.
  const swapAlone = swap !== undefined && v2 && swap >= 0 ? swap - (limit ?? 0) : swap;
  return [
    ...(limit === undefined ? [] : [bytes(memoryFile, limit)]),
    ...(swapAlone === undefined ? [] : [bytes(swapFile, swapAlone)]),
  ];
}

function cpuLimits({ shares, quota, period = 100_000 }: NonNullable<OciResources['cpu']>, v2: boolean): Limit[] {
  const one = (file: string, wanted: number | string, fits: Limit['fits']): Limit => ({
    controller: 'cpu',
    file,
    wanted,
    fits,
  });
  if (!v2)
    return [
      ...(!shares ? [] : [one('cpu.shares', shares, is(shares))]),
      ...(!quota ? [] : [one('cpu.cfs_quota_us', quota, is(quota)), one('cpu.cfs_period_us', period, is(period))]),
    ];
  const max = `${(quota ?? 0) < 0 ? 'max' : quota} ${period}`;
  return [
    ...(!shares ? [] : [one('cpu.weight', weights(shares).join(' or '), isOneOf(weights(shares)))]),
    ...(!quota ? [] : [one('cpu.max', max, (found) => found === max)]),
  ];
}

const cpusLimit = (cpus: string): Limit => ({
  controller: 'cpuset',
  file: 'cpuset.cpus',
  wanted: cpus,
  fits: (found) => cpuNumbers(found) === cpuNumbers(cpus),
});

/** "0-2,4" and "0,1,2,4" are the same CPUs. */
function cpuNumbers(list: string): string {
  const ranges = list.split(',').map((range) => range.split('-').map(Number));
  return ranges
    .flatMap(([from = 0, to = from]) => Array.from({ length: to - from + 1 }, (_, index) => from + index))
    .toSorted((a, b) => a - b)
    .join();
}

/** Below 0 means no limit, which v1 shows as a number that nobody reaches, or as -1. */
const isUnlimited = (found: string): boolean => found === 'max' || Number(found) < 0 || Number(found) > 2 ** 60;

const is =
  (wanted: number): Limit['fits'] =>
  (found) =>
    wanted < 0 ? isUnlimited(found) : Number(found) === wanted;

const largestPage = 65_536;

/** The kernel counts memory in pages. */
const isBytes =
  (wanted: number): Limit['fits'] =>
  (found) =>
    wanted < 0 ? isUnlimited(found) : Math.abs(Number(found) - wanted) < largestPage;

const isOneOf =
  (numbers: readonly number[]): Limit['fits'] =>
  (found) =>
    numbers.includes(Number(found));

/** How shares become a weight depends on crun's version: along a line, or so that 1024 is 100. */
function weights(shares: number): number[] {
  const power = Math.log2(shares);
  return [
    Math.floor(1 + ((shares - 2) * 9999) / 262142),
    Math.ceil(10 ** ((power * power + 125 * power) / 612 - 7 / 34)),
  ];
}
