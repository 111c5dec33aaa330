import { mkdirSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../host/errors.ts';
import { hasCgroup } from '../cgroup-state.ts';
import { cgroupsPathOfProcess } from './cgroup-of-process.ts';
import { findHelpers } from './helpers.ts';
import { crunStateExists } from './init.ts';
import { writeRecord, type InstanceRecord } from './files.ts';
import { instancePaths, signalKinds, type InstancePaths } from './paths.ts';
import { followInstance, type Instance } from '../instance.ts';
import { findChildren, processArguments, processStat } from './proc.ts';
import { findInstance, type RuntimeParts } from '../runtime-parts.ts';
import { isCrunOf, isShell } from './start-command.ts';

/** The processes of one instance. */
interface Processes {
  readonly shell?: number | undefined;
  readonly init?: number | undefined;
}

/**
 * The instance, found by its processes where somebody has deleted the files that tell of it: all that are needed are made again, so that
 * it can be followed to its end, and by later hobs. What is said of the log is lost, and with it the way to another keeper; the one that has
 * it goes on. Looks at every process of the host, when crun or a cgroup still knows the container.
 * @returns undefined when there are no such processes
 */
export function rebuild(parts: RuntimeParts, id: string, instanceID: string): Instance | undefined {
  const paths = instancePaths(parts.runDir, id, instanceID);
  // Of most that are asked for there is nothing at all, as they are about to be started.
  const mayLive = crunStateExists({ paths }) || hasCgroup(`${parts.cgroupParent}/${id}`, parts.cgroups);
  const processes = mayLive ? processesOf(paths) : undefined;
  if (!processes) return undefined;
  const instance = findInstance(parts, id, instanceID) ?? makeAgain(parts, id, instanceID, processes);
  if (processes.init !== undefined) writeUnlessThere(paths.signals.pid, String(processes.init));
  // Last: without it, the next hob begins this anew.
  if (processes.shell !== undefined) writeUnlessThere(paths.signals.shell, `${processes.shell}\n`);
  signalKinds.forEach(instance.read);
  parts.instances.set(id, instance);
  return instance;
}

function processesOf(paths: InstancePaths): Processes | undefined {
  const helpers = findHelpers(paths.directory);
  const shell = helpers.find((pid) => isShell(processArguments(pid), paths));
  const crun = helpers.find((pid) => isCrunOf(processArguments(pid), paths));
  if (shell === undefined && crun === undefined) return undefined;
  return { shell, init: crun === undefined ? undefined : findChildren(crun).find((pid) => isInit(pid, helpers)) };
}

/** Not the hook that crun waits for, nor an init that has yet to become its command. */
const isInit = (pid: number, helpers: readonly number[]): boolean =>
  !helpers.includes(pid) && processStat(pid)?.executed === true;

function makeAgain(parts: RuntimeParts, id: string, instanceID: string, { init }: Processes): Instance {
  const paths = instancePaths(parts.runDir, id, instanceID);
  const usual = `${parts.cgroupParent}/${id}`;
  const record: InstanceRecord = {
    instanceID,
    cgroupsPath: init === undefined ? usual : cgroupsPathOfProcess(init, usual),
  };
  mkdirSync(paths.directory, { recursive: true, mode: 0o700 });
  writeRecord(paths, record);
  parts.warn(`the bundle of ${paths.key} was deleted; what hob needs of it was made again, but for its log`);
  return followInstance(id, paths, record, { begun: false });
}

function writeUnlessThere(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
