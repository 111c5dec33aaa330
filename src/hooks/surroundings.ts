/** What is the same for all plugins of a host. Plain data: the thread of a module gets a copy. */
export interface Surroundings {
  readonly nodeName: string;
  /** Which hierarchies crun puts containers in. */
  readonly cgroupVersion: 1 | 2;
  /** Where the hierarchy of each cgroup controller is mounted. */
  readonly cgroupMounts: Readonly<Record<string, string>>;
  /** The cgroup that holds those of all containers, from the root of each hierarchy: `/hob-5e0fb8d2`. */
  readonly cgroupParent: string;
}

/** The cgroup of a container, from the root of each hierarchy. */
export const cgroupOf = ({ cgroupParent }: Surroundings, containerID: string): string =>
  `${cgroupParent}/${containerID}`;
