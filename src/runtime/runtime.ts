/** What the lifecycle asks of a container runtime. crun is the one there is; tests have a stand-in. */

/** Everything that one instance needs to start. Plain data: it is journalled before it is used. */
export interface Launch {
  /** The container's id, which crun knows it by. */
  readonly id: string;
  readonly instanceID: string;
  /** The OCI configuration, complete but for the createRuntime hook, which the runtime adds when `waitForPreStart`. */
  readonly config: OciConfig;
  /** Stop inside `crun create`'s createRuntime position until `answerPreStart`. */
  readonly waitForPreStart: boolean;
  readonly log: { readonly path: string; readonly maxSizeBytes: number; readonly maxFiles: number };
  /** Become 3, 4, ... in the container; closed here once handed over, or when the start comes to nothing. */
  readonly fds: readonly GivenFd[];
}

/** A start that is under way. */
export interface BegunStart {
  readonly id: string;
  readonly instanceID: string;
  /** What the container is to execute, for messages. */
  readonly command: string;
}

/** A descriptor of this process for a container. */
export interface GivenFd {
  readonly fd: number;
  /** What it is open on stays open until the instance is discarded. Lost only with the keeper. Others stay open as long as crun runs: as the container. */
  readonly hold: boolean;
}

/** An OCI runtime configuration. Its full shape is the OCI runtime specification's; hob treats it as JSON after generation. */
export type OciConfig = { readonly [key: string]: unknown };

/** How a process ended. */
export interface Exit {
  /** The exit code as crun reports it: 128 + n for signal n. Undefined when nobody could learn it. */
  readonly code?: number;
  /** SIGKILL, SIGTERM, ... when a signal ended it. */
  readonly signal?: string;
  readonly oomKilled: boolean;
  /** ISO 8601. */
  readonly finishedAt: string;
  /** From its start until its end was seen, by a clock that nobody sets: the time of day may have been set in between. */
  readonly ranAtMostMs?: number;
  /** Why the code is not known, in words. */
  readonly unknown?: string;
}

/** What became of a start. */
export type StartOutcome =
  /** The command runs, or ran: what is over before anybody can look has a `startTime` of 0. */
  | { readonly kind: 'running'; readonly pid: number; readonly startTime: number; readonly startedAt: string }
  /** crun refused. `initExisted` tells whether there was a container process for a while (then postStop is due). */
  | {
      readonly kind: 'failed';
      readonly reason: 'CreateError' | 'StartError' | 'PreStartRefused' | 'NoLongerWanted';
      /** crun's own words. */
      readonly message: string;
      readonly initExisted: boolean;
    };

/** What can be seen of an instance from outside, without asking hob's memory. */
export type Observation =
  | { readonly kind: 'absent' }
  /** Its start is under way (crun lives, the command does not run yet). */
  | { readonly kind: 'starting' }
  | { readonly kind: 'running'; readonly pid: number; readonly startTime: number; readonly paused: boolean }
  | { readonly kind: 'exited'; readonly exit: Exit };

export interface Listed {
  readonly id: string;
  /** Empty when there is something of the container, and nothing that says of which instance. */
  readonly instanceID: string;
}

/** What a look at the cgroup of a container that runs has shown. */
export interface Seen {
  readonly paused: boolean;
  /** Which limits are not what the runtime was told last, each in words. */
  readonly limits: readonly string[];
}

export interface Runtime {
  /**
   * Start the instance, for which all is prepared. Of one that `observe` knows of, an earlier hob has begun the start: see `goOn`.
   * @param signal ends the following of the start, and leaves the start as it is
   * @param unwanted gives the start up: one that has not come to an end soon after is ended, with the outcome NoLongerWanted
   * @param onCreated called with the init's pid when crun waits for the preStart verdict; may be called again after a restart of hob
   */
  start(
    launch: Launch,
    onCreated: (pid: number) => void,
    signal: AbortSignal,
    unwanted?: AbortSignal,
  ): Promise<StartOutcome>;
  /**
   * Go on with a start that an earlier hob began, to its outcome. Nothing is begun again, whatever has become of it: descriptors and a terminal
   * are had by what was begun then, and by nothing else. The other parameters are those of `start`.
   */
  goOn(
    begun: BegunStart,
    onCreated: (pid: number) => void,
    signal: AbortSignal,
    unwanted?: AbortSignal,
  ): Promise<StartOutcome>;
  /** The verdict of the preStart hooks: true lets crun go on, false makes it fail. */
  answerPreStart(id: string, instanceID: string, verdict: boolean): Promise<void>;
  /** Resolves when the instance has ended and its output has reached the log. Idempotent, may be called any number of times. */
  waitForExit(id: string, instanceID: string, signal: AbortSignal): Promise<Exit>;
  /** Send a signal to the container's init, and resume it if it is paused: it would not take the signal. False when it is gone. */
  kill(id: string, instanceID: string, signal: string): Promise<boolean>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Change the limits of a running container in place. */
  update(id: string, resources: OciConfig): Promise<void>;
  /**
   * Remove every trace of the instance: processes, crun's state, bundle, FIFOs, held descriptors, cgroup, exit file. Idempotent.
   * @param instanceID empty for whatever there is of the container
   */
  discard(id: string, instanceID: string): Promise<void>;
  observe(id: string, instanceID: string): Promise<Observation>;
  /** All that crun or the run directory knows. */
  list(): Promise<readonly Listed[]>;
}
