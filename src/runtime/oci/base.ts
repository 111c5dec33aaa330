import type { ContainerSpec } from '../../api/container.ts';
import { asRecord, isRecord } from '../json.ts';
import type { OciConfig } from '../runtime.ts';
import { defaultMounts } from './mounts.ts';
import type { OciDocument } from './types.ts';

/** How many processes and threads a container may have of which nobody says anything. */
export const defaultPids = 256;

/** What a container is like of which the spec says nothing but the command: as tight as ordinary programs can bear. */
export function tightDefaults(spec: ContainerSpec, id: string): OciDocument {
  return {
    ociVersion: '1.0.2',
    hostname: hostnameOf(id),
    process: {
      cwd: '/',
      user: { uid: 0, gid: 0 },
      // crun adds HOME: it can look into the container's /etc/passwd.
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      noNewPrivileges: true,
      terminal: false,
    },
    mounts: defaultMounts(spec),
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'cgroup', 'network'].map((type) => ({ type })),
      resources: { devices: [{ allow: false, access: 'rwm' }], pids: { limit: defaultPids } },
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** The name, without the namespace in front (no name has a "_" in it), as long as Linux takes it. */
function hostnameOf(id: string): string {
  return id
    .slice(id.indexOf('_') + 1)
    .slice(0, 63)
    .replace(/[-.]+$/, '');
}

/** What tells of the host, or of other containers, and is of no use inside. */
const maskedPaths = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/dev/block',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
  '/sys/fs/selinux',
];

const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

const lists = [
  'mounts',
  'process.args',
  'process.env',
  'process.rlimits',
  'linux.namespaces',
  'linux.devices',
  'linux.resources.devices',
];
const objects = ['process', 'process.user', 'process.capabilities', 'linux', 'linux.resources', 'linux.sysctl'];

/**
 * A bundle's configuration as the base of a container's. crun checks it; hob only makes sure of the shape of what it adds to.
 * @throws Error that names the part with a wrong shape
 */
export function bundleBase(config: OciConfig): OciDocument {
  for (const path of lists) assertShape(config, path, Array.isArray, 'a list');
  for (const path of objects) assertShape(config, path, isRecord, 'an object');
  const { ociVersion = '1.0.2', process = {}, mounts = [], linux = {}, ...others } = config;
  return { ...others, ociVersion, process, mounts, linux } as OciDocument;
}

function assertShape(config: OciConfig, path: string, is: (value: unknown) => boolean, expected: string): void {
  const value = path.split('.').reduce<unknown>((part, name) => asRecord(part)[name], config);
  if (value !== undefined && !is(value))
    throw new Error(`the config.json of the bundle is not valid: ${path} is not ${expected}`);
}
