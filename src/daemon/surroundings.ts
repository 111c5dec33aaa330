import { hostname } from 'node:os';
import { detectCgroups } from '../host/cgroups.ts';
import type { Surroundings } from '../hooks/surroundings.ts';
import { cgroupParentOf } from './configure.ts';

/** What plugins are told of this host: as it is when hob starts. */
export function surroundingsOf(runDir: string): Surroundings {
  const { version, controllers } = detectCgroups();
  return {
    nodeName: hostname(),
    cgroupVersion: version === 'v2' ? 2 : 1,
    cgroupMounts: Object.fromEntries(controllers),
    cgroupParent: cgroupParentOf(runDir),
  };
}
