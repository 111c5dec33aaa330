import { join } from 'node:path';
import type { CgroupLayout } from '../../host/cgroups.ts';
import type { Instance } from '../instance.ts';
import { parseRecord } from '../json.ts';
import { limitsOff, mergedLimits } from '../limits.ts';
import { readSmall } from '../small-file.ts';
import { appliedLimits } from './paths.ts';

/** Which limits of an instance are not what crun was told at its start or later, each in words. */
export function wrongLimitsOf({ paths, record }: Pick<Instance, 'paths' | 'record'>, cgroups: CgroupLayout): string[] {
  const told = mergedLimits(record.limits ?? {}, parseRecord(readSmall(join(paths.directory, appliedLimits))));
  return limitsOff(told, record.cgroupsPath, cgroups);
}
