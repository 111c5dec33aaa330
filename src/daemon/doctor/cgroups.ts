import type { CgroupLayout } from '../../host/cgroups.ts';
import { fine, problem, warning, type Finding } from './finding.ts';

/** What the resource limits of a spec need, and what of it is lost without. */
const wanted = new Map([
  ['memory', 'memory limits'],
  ['cpu', 'cpu limits'],
  ['pids', 'the limit of processes'],
  ['freezer', 'desiredState: Paused'],
]);

const bootIntoV2 = 'boot with systemd.unified_cgroup_hierarchy=1 for plain v2';

/** Judges the cgroup layout of the host, as seen from outside of any namespace that hob makes for itself. */
export function judgeCgroups(layout: CgroupLayout): Finding {
  if (layout.version === 'none') {
    return problem(
      'cgroups',
      'none are mounted',
      'mount -t cgroup2 none /sys/fs/cgroup, or start hob on the host itself',
    );
  }
  const lacking = [...wanted.keys()].filter((controller) => !isUsable(controller, layout));
  const found = describe(layout);
  if (lacking.length === 0) return fine('cgroups', found);
  const lost = lacking.map((controller) => wanted.get(controller)).join(', ');
  return warning(
    'cgroups',
    `${found}, without ${lacking.join(', ')}: ${lost} cannot be had`,
    `enable on the kernel's command line: ${lacking.map((controller) => `cgroup_enable=${controller}`).join(' ')}; or ${bootIntoV2}`,
  );
}

/** What is in the hierarchy that crun must not see is lost to it. */
function isUsable(controller: string, { controllers, crunRefuses, unified }: CgroupLayout): boolean {
  const directory = controllers.get(controller);
  return directory !== undefined && !(crunRefuses && directory === unified);
}

function describe({ version, crunRefuses, unified }: CgroupLayout): string {
  if (version !== 'hybrid') return version;
  if (!crunRefuses) return 'hybrid, all controllers on v1';
  return `hybrid, with controllers on v1 and at ${unified}: crun refuses that, so hob runs it in a mount namespace without the latter`;
}
