import type { Stats } from 'node:fs';
import type { ContainerSpec } from '../../api/container.ts';
import type { OciConfig } from '../runtime.ts';

/** What hob asks the host about a path. */
export type DeviceStat = (
  path: string,
) => Pick<Stats, 'rdev' | 'mode' | 'uid' | 'gid' | 'isCharacterDevice' | 'isBlockDevice'>;

/** All that an OCI configuration is made from. */
export interface OciInput {
  readonly spec: ContainerSpec;
  /** The container's id. */
  readonly id: string;
  /** Absolute. */
  readonly rootfsPath: string;
  readonly readOnlyRoot: boolean;
  /** What plugins added in postConstruction. */
  readonly additions: {
    /** `NAME=value` */
    readonly env: readonly string[];
    readonly mounts: readonly Readonly<Record<string, unknown>>[];
  };
  readonly cgroupsPath: string;
  /** Parsed JSON of the profile that `spec.seccomp` asks for; without it the container is not confined by seccomp. */
  readonly seccompProfile?: unknown;
  /** The config.json of `spec.bundle`. It is not changed. */
  readonly bundleConfig?: OciConfig;
  /** What a path of the host is. Default: the host is asked. */
  readonly statDevice?: DeviceStat;
}
