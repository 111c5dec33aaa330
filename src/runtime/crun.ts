import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { detectCgroups } from '../host/cgroups.ts';
import { adoptInstances } from './adopt-instances.ts';
import { crunCommand } from './crun-command.ts';
import { discard } from './discard.ts';
import type { DriftListener } from './follow/drift.ts';
import type { OomQuestion } from './instance/exit.ts';
import { crunFinder } from './find-crun.ts';
import { follow } from './follow.ts';
import { kill, pause, resume, update } from './in-place.ts';
import { crunRoot, isSafeID, instancesDirectory, signalsDirectory } from './instance/paths.ts';
import { forgetPidfd, type Instance } from './instance.ts';
import { observe } from './observe.ts';
import { openOomLog } from './oom.ts';
import { findInstance, type RuntimeParts } from './runtime-parts.ts';
import type { Exit, Runtime } from './runtime.ts';
import { pruneSignals } from './signal-files.ts';
import { rebuild } from './instance/rebuild.ts';
import { createSeccompCache } from './oci/seccomp-cache.ts';
import { createSlots } from './start/slots.ts';
import { goOnStarting, startInstance } from './start.ts';
import { answerPreStart } from './verdict.ts';
import { waitForExit } from './wait-for-exit.ts';

export interface CrunRuntimeOptions {
  /** Holds what is true until the host is restarted. Made when it is not there. */
  readonly runDir: string;
  readonly keeper: RuntimeParts['keeper'];
  readonly log: { warn(message: string): void };
  /** "/hob": each container gets a cgroup of its own in it, unless its configuration names one. */
  readonly cgroupParent: string;
  /** A path, or a name to look for in PATH. "crun" by default. */
  readonly crunPath?: string;
  /** How many starts may keep crun busy at once. */
  readonly maxStarts?: number;
  /** How long a start may take, not counting the wait for a preStart verdict. 30 s by default. */
  readonly startTimeoutMs?: number;
  /** How often to look for what no event told of. 2 s by default. */
  readonly checkUpEveryMs?: number;
}

/** Holds a watch, a timer and some descriptors until it is closed. Closing touches no container. */
export interface CrunRuntime extends Runtime {
  /** From now on, tell what others do to the containers, within some seconds. */
  tellDrift(listener: DriftListener): void;
  close(): void;
}

/** However many containers there are, a look at nothing new is one system call. */
const defaultCheckUpEveryMs = 2_000;
const defaultStartTimeoutMs = 30_000;

/**
 * The runtime on crun: one foreground `crun run` a container, which hob can leave alone and find again. All that has to be known later
 * is in files of the run directory, and what an earlier hob left there is gone on with.
 *
 * @throws Error with the cure when the run directory cannot be used
 */
export async function createCrunRuntime(options: CrunRuntimeOptions): Promise<CrunRuntime> {
  await makeDirectories(options.runDir);
  const warn = (message: string): void => options.log.warn(message);
  const oomLog = openOomLog(warn);
  const parts = partsOf(options, warn, oomLog.wasKilled);
  const following = follow(parts, options.checkUpEveryMs ?? defaultCheckUpEveryMs);
  adoptInstances(parts);
  const keys = new Set([...parts.instances.values()].map(({ paths }) => paths.key));
  pruneSignals(parts.runDir, (key) => !keys.has(key));
  return {
    ...operations(parts),
    tellDrift: following.tellDrift,
    close() {
      following.stop();
      oomLog.close();
      parts.instances.forEach(forgetPidfd);
    },
  };
}

/** Everything in it is root's own. */
async function makeDirectories(runDir: string): Promise<void> {
  for (const directory of [crunRoot(runDir), instancesDirectory(runDir), signalsDirectory(runDir)])
    await mkdir(directory, { recursive: true, mode: 0o700 });
}

function partsOf(
  options: CrunRuntimeOptions,
  warn: (message: string) => void,
  wasOomKilled: OomQuestion,
): RuntimeParts {
  const {
    runDir,
    keeper,
    cgroupParent,
    crunPath = 'crun',
    maxStarts = Math.max(4, 2 * availableParallelism()),
  } = options;
  const findCrun = crunFinder(crunPath);
  return {
    runDir,
    keeper,
    warn,
    cgroupParent,
    cgroups: detectCgroups(),
    findCrun,
    crun: crunCommand(keeper, findCrun, crunRoot(runDir)),
    slots: createSlots(maxStarts),
    startTimeoutMs: options.startTimeoutMs ?? defaultStartTimeoutMs,
    wasOomKilled,
    instances: new Map(),
    removals: new Map(),
  };
}

/** Each on the instance that is meant, if it is there. */
function operations(parts: RuntimeParts): Runtime {
  const { runDir } = parts;
  const seccomp = createSeccompCache(join(runDir, 'seccomp'));
  const find = (id: string, instanceID: string): Instance | undefined => findInstance(parts, id, instanceID);
  return {
    async start(launch, onCreated, signal, unwanted = never) {
      const { id, config } = launch;
      const outcome = await startInstance(
        parts,
        { ...launch, config: seccomp.use(config) },
        { onCreated, signal, unwanted },
      );
      if (outcome.kind === 'running') seccomp.learn(config, join(crunRoot(runDir), id));
      return outcome;
    },
    goOn: (begun, onCreated, signal, unwanted = never) => goOnStarting(parts, begun, { onCreated, signal, unwanted }),
    async answerPreStart(id, instanceID, verdict) {
      const instance = find(id, instanceID);
      if (instance) answerPreStart(instance, verdict);
    },
    async waitForExit(id, instanceID, signal) {
      const instance = find(id, instanceID);
      return instance ? waitForExit(parts, instance, signal) : nothingLeft();
    },
    async kill(id, instanceID, signal) {
      const instance = find(id, instanceID);
      return instance !== undefined && kill(parts, instance, signal);
    },
    pause: (id) => pause(parts, id),
    resume: (id) => resume(parts, id),
    update: (id, resources) => update(parts, id, resources),
    discard: (id, instanceID) => discard(parts, id, instanceID),
    async observe(id, instanceID) {
      const instance = find(id, instanceID);
      const whole = instance && isToldOf(instance) ? instance : (rebuild(parts, id, instanceID) ?? instance);
      return whole ? observe(parts, whole) : { kind: 'absent' };
    },
    async list() {
      const names = [...(await readdir(crunRoot(runDir))), ...(await readdir(instancesDirectory(runDir)))];
      const ids = [...new Set(names.filter(isSafeID))];
      return ids.map((id) => ({ id, instanceID: parts.instances.get(id)?.record.instanceID ?? '' }));
    },
  };
}

/** Of its shell, and of its init or its end. */
const isToldOf = ({ facts }: Instance): boolean =>
  facts.shellPid !== undefined && (facts.pid !== undefined || facts.crunCode !== undefined);

const never = new AbortController().signal;

const nothingLeft = (): Exit => ({
  unknown: "nothing is left of it in hob's run directory",
  oomKilled: false,
  finishedAt: new Date().toISOString(),
});
