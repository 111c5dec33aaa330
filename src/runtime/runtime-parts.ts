import type { CgroupLayout } from '../host/cgroups.ts';
import type { CrunCommand } from './crun-command.ts';
import type { OomQuestion } from './instance/exit.ts';
import type { Instance } from './instance.ts';
import type { Keeper } from './keeper-client.ts';
import type { Slots } from './start/slots.ts';

/** What the runtime's operations work with. */
export interface RuntimeParts {
  readonly runDir: string;
  readonly keeper: Pick<Keeper, 'start' | 'run' | 'attachLog' | 'drainLog' | 'release' | 'onLogEnded' | 'onOutputLost'>;
  readonly warn: (message: string) => void;
  /** Of containers whose configuration names no cgroup; and below it, hob may kill what is left. */
  readonly cgroupParent: string;
  readonly cgroups: CgroupLayout;
  /** @throws Error with the cure */
  readonly findCrun: () => string;
  readonly crun: CrunCommand;
  /** For the part of a start in which crun is busy. */
  readonly slots: Slots;
  readonly startTimeoutMs: number;
  readonly wasOomKilled: OomQuestion;
  /** By container id: of each container there is at most one at a time. */
  readonly instances: Map<string, Instance>;
  /** By container id: the removal of what is nobody's, which a start has to wait for. */
  readonly removals: Map<string, Promise<void>>;
}

/** The instance, if it is the one that there is of this container. */
export function findInstance({ instances }: RuntimeParts, id: string, instanceID: string): Instance | undefined {
  const instance = instances.get(id);
  return instance?.record.instanceID === instanceID ? instance : undefined;
}
