import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn, readOr } from '../../support/cgroups.ts';
import type { Parent } from '../../support/cgroups.ts';
import type { Expected } from './expected.ts';
import type { Sight } from './sight.ts';

/** In every hierarchy there is a cgroup for each container that runs, and for nothing else; with the limits of its spec. */
export function cgroupFaults({ cgroups, alive }: Sight): string[] {
  return [
    ...cgroups.flatMap(({ path }) =>
      foldersIn(path).flatMap((id) => (alive.has(id) ? [] : [`${id}: a cgroup is left: ${join(path, id)}`])),
    ),
    ...[...alive.values()].flatMap((container) => limitFaults(container, cgroups)),
  ];
}

/** In its cgroups and nowhere else, as the kernel tells. */
function limitFaults({ name, state, memory }: Expected, parents: readonly Parent[]): string[] {
  const limit = valueOf(parents, name, 'memory.limit_in_bytes', 'memory.max');
  const isPaused = ['FROZEN', '1'].includes(valueOf(parents, name, 'freezer.state', 'cgroup.freeze'));
  return [
    ...(memory === undefined || limit === String(memory)
      ? []
      : [`${name}: its memory limit must be ${memory}, and is ${limit || 'nowhere'}`]),
    ...(isPaused === (state === 'paused')
      ? []
      : [`${name}: must be ${state}, and is ${isPaused ? 'frozen' : 'not frozen'}`]),
  ];
}

/** @param files what it is called on v1, and on v2 */
function valueOf(parents: readonly Parent[], id: string, ...files: readonly string[]): string {
  const paths = parents.flatMap(({ path, isCgroup }) => (isCgroup ? files.map((file) => join(path, id, file)) : []));
  return readOr('', paths.find((path) => existsSync(path)) ?? '').trim();
}
