import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountsOf } from '../../../src/host/mounts.ts';
import { helpersOf, runningInstance } from './sight.ts';
import type { Sight } from './sight.ts';

/** In the namespace that hob lives in, each container that runs has its overlay, once, and nothing else of the world is mounted. */
export function mountFaults(sight: Sight): string[] {
  const { dir, stateDir } = sight.world;
  // The state directory itself is mounted by who makes it read-only.
  const mounts = mountsOf(mountInfo(sight)).filter(
    ({ mountPoint }) => mountPoint.startsWith(`${dir}/`) && mountPoint !== stateDir,
  );
  const wanted = new Map(overlaysOf(sight));
  return [
    ...mounts.flatMap(({ mountPoint, type }) =>
      type === 'overlay' && wanted.has(mountPoint) ? [] : [`something is left mounted (${type}): ${mountPoint}`],
    ),
    ...[...wanted].flatMap(([path, id]) => {
      const count = mounts.filter(({ mountPoint }) => mountPoint === path).length;
      return count === 1 ? [] : [`${id}: its overlay must be mounted once, and is ${count} times: ${path}`];
    }),
  ];
}

function overlaysOf(sight: Sight): [path: string, id: string][] {
  const { alive, world } = sight;
  return [...alive.values()].flatMap(({ name, overlay = true }): [string, string][] =>
    overlay ? [[join(world.stateDir, 'overlays', name, runningInstance(sight, name) ?? '?', 'merged'), name]] : [],
  );
}

/** The keeper lives where hob does, and longer. */
function mountInfo(sight: Sight): string {
  const pid = [...helpersOf(sight, 'keeper'), ...helpersOf(sight, 'hob')][0]?.pid ?? 'self';
  try {
    return readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
  } catch {
    return '';
  }
}
