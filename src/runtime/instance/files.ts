import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { wordsOf } from '../../host/errors.ts';
import { mkfifo } from '../../host/libc.ts';
import { cureForNoRoom } from '../../host/room.ts';
import { isSafeInstanceID, type InstancePaths } from './paths.ts';
import { asList, asRecord, isRecord, parseRecord } from '../json.ts';
import { limitsOf } from '../limits.ts';
import { readSmall } from '../small-file.ts';
import type { Launch, OciConfig } from '../runtime.ts';
import { preStartHook } from './start-command.ts';

/** What a later hob has to know of an instance that it didn't start itself. */
export interface InstanceRecord {
  readonly instanceID: string;
  /** Not known of an instance whose bundle was deleted and made again. */
  readonly log?: Launch['log'];
  /** As in the OCI configuration. */
  readonly cgroupsPath: string;
  /** What crun was told of its limits at the start; not known of an instance whose bundle was made again. */
  readonly limits?: OciConfig;
}

/**
 * Write the bundle: all that crun and the keeper need to be there. Synchronous: a few system calls on a memory file system
 * take less time than the way to the thread pool and back.
 * @throws Error that says what to do; nothing is left behind then, or that is said too
 */
export function writeInstance(paths: InstancePaths, launch: Launch, cgroupsPath: string): void {
  try {
    makeFifos(paths, launch.waitForPreStart);
    writeFileSync(paths.config, JSON.stringify(bundleConfig(launch, paths, cgroupsPath)), { mode: 0o600 });
    writeRecord(paths, { instanceID: launch.instanceID, log: launch.log, cgroupsPath, limits: limitsIn(launch) });
  } catch (cause) {
    throw new Error(`cannot write the bundle: ${explain(cause, paths.directory)}${removed(paths.directory)}`, {
      cause,
    });
  }
}

/** Last of all: where it is, all is. */
export const writeRecord = (paths: InstancePaths, record: InstanceRecord): void =>
  writeFileSync(paths.record, JSON.stringify(record), { mode: 0o600 });

function makeFifos({ directory, stdout, stderr, verdict }: InstancePaths, waitForPreStart: boolean): void {
  // Something half-written may be there from a hob that died meanwhile.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const fifo of waitForPreStart ? [stdout, stderr, verdict] : [stdout, stderr]) mkfifo(fifo, 0o600);
}

/** Answers what is to be added to the words of the error that it is removed for: nothing, if it is. */
function removed(directory: string): string {
  try {
    rmSync(directory, { recursive: true, force: true });
    return '';
  } catch (error) {
    return `; and what there is of it could not be removed: ${wordsOf(error)}`;
  }
}

function explain(cause: unknown, directory: string): string {
  const cure = cureForNoRoom(cause, directory);
  return cure === undefined ? wordsOf(cause) : `${wordsOf(cause)}; ${cure}`;
}

/** The configuration that crun gets: the given one, in its cgroup, with the preStart hook after all hooks of its own. */
export function bundleConfig(launch: Launch, paths: InstancePaths, cgroupsPath: string): OciConfig {
  const { config } = launch;
  const linux = { ...asRecord(config['linux']), cgroupsPath };
  if (!launch.waitForPreStart) return { ...config, linux };
  const hooks = asRecord(config['hooks']);
  const createRuntime = [...asList(hooks['createRuntime']), preStartHook(paths)];
  return { ...config, linux, hooks: { ...hooks, createRuntime } };
}

/** The cgroup that the configuration names, or one of the container's own below `parent`. */
export function cgroupsPathOf({ config, id }: Launch, parent: string): string {
  const path = asRecord(config['linux'])['cgroupsPath'];
  return typeof path === 'string' && path !== '' ? path : `${parent}/${id}`;
}

export const limitsIn = ({ config }: Launch): OciConfig => limitsOf(asRecord(config['linux'])['resources']);

/** Whether the command gets a terminal of its own. */
export const hasTerminal = ({ config }: Launch): boolean => asRecord(config['process'])['terminal'] === true;

/** What the command is called, for messages. */
export function commandName({ config }: Launch): string {
  const [command] = asList(asRecord(config['process'])['args']);
  return typeof command === 'string' ? command : '';
}

/** Undefined when the file is not there, was not written to its end, or says what hob never wrote. */
export function readRecord(path: string): InstanceRecord | undefined {
  const record = parseRecord(readSmall(path));
  return isInstanceRecord(record) ? record : undefined;
}

function isInstanceRecord(value: unknown): value is InstanceRecord {
  if (!isRecord(value)) return false;
  const { instanceID, log, cgroupsPath } = value;
  return (
    typeof instanceID === 'string' &&
    isSafeInstanceID(instanceID) &&
    typeof cgroupsPath === 'string' &&
    (log === undefined || isLog(log))
  );
}

const isLog = (log: unknown): log is Launch['log'] =>
  isRecord(log) && typeof log['path'] === 'string' && isCount(log['maxSizeBytes']) && isCount(log['maxFiles']);

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
