import { join } from 'node:path';

/** Where everything of one instance is, in hob's run directory. */
export interface InstancePaths {
  /** Names the instance in file names and towards the keeper. */
  readonly key: string;
  /** The bundle: what crun reads, and the FIFOs. */
  readonly directory: string;
  readonly config: string;
  /** What a later hob has to know; written last, so that where it is, all is. */
  readonly record: string;
  readonly stdout: string;
  readonly stderr: string;
  /** The FIFO that the preStart hook reads its answer from. */
  readonly verdict: string;
  readonly crunLog: string;
  /** Small files that mean something happened, all in the one directory that is watched. */
  readonly signals: Readonly<Record<SignalKind, string>>;
  /** crun's own record of the container, there for as long as crun has not cleaned up. */
  readonly crunState: string;
}

/**
 * created: crun made the container and waits for the preStart verdict. pid: the command is about to run.
 * shell: the pid of the shell around crun, and in a second line, when crun has ended, its exit code.
 */
export const signalKinds = ['created', 'pid', 'shell'] as const;
export type SignalKind = (typeof signalKinds)[number];

export const signalsDirectory = (runDir: string): string => join(runDir, 'signals');
export const instancesDirectory = (runDir: string): string => join(runDir, 'instances');
export const crunRoot = (runDir: string): string => join(runDir, 'crun');

/** In the bundle: what crun was told last of the limits of a container that runs, and took. */
export const appliedLimits = 'limits.json';

/** In the bundle: what crun wrote of the container when it ran, for the case that somebody deletes that. */
export const keptCrunStatus = 'crun-status';

/** @throws Error when a name would not be safe as part of a path */
export function instancePaths(runDir: string, id: string, instanceID: string): InstancePaths {
  const key = `${safeID(id)}.${safeInstanceID(instanceID)}`;
  const directory = join(instancesDirectory(runDir), id);
  const signal = (kind: SignalKind): string => join(signalsDirectory(runDir), `${key}.${kind}`);
  return {
    key,
    directory,
    config: join(directory, 'config.json'),
    record: join(directory, 'instance.json'),
    stdout: join(directory, 'stdout'),
    stderr: join(directory, 'stderr'),
    verdict: join(directory, 'verdict'),
    crunLog: join(directory, 'crun.log'),
    signals: { created: signal('created'), pid: signal('pid'), shell: signal('shell') },
    crunState: join(crunRoot(runDir), id),
  };
}

/** Which instance a file of the signals directory is about. */
export function parseSignalName(name: string): { key: string; kind: SignalKind } | undefined {
  const dot = name.lastIndexOf('.');
  const kind = signalKinds.find((known) => known === name.slice(dot + 1));
  return kind && { key: name.slice(0, dot), kind };
}

/** Leaves room for the longest ending of a file name, which may have 255 bytes. */
const longestKey = 240;

/** What crun takes as an id, and any file system as a name. */
export const isSafeID = (id: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id) && id.length < longestKey;

/** @throws Error when it is not */
export function safeID(id: string): string {
  if (isSafeID(id)) return id;
  throw new Error(
    `${JSON.stringify(id)} cannot be a container's id: letters, digits, "_", "." and "-" only, and not too many`,
  );
}

/** Without a dot, so that the two names cannot run into each other. */
export const isSafeInstanceID = (instanceID: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(instanceID);

/** @throws Error when it is not */
function safeInstanceID(instanceID: string): string {
  if (isSafeInstanceID(instanceID)) return instanceID;
  throw new Error(
    `${JSON.stringify(instanceID)} cannot be an instance's id: letters, digits, "_" and "-" only, 64 at most`,
  );
}
