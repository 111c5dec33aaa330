import { closeSync } from 'node:fs';
import { wordsOf } from '../host/errors.ts';
import { discard } from './discard.ts';
import { followStart, type StartListener } from './start/outcome.ts';
import { cgroupsPathOf, commandName, hasTerminal, limitsIn, writeInstance } from './instance/files.ts';
import { crunRoot, instancePaths, type InstancePaths } from './instance/paths.ts';
import { followInstance, type Instance } from './instance.ts';
import type { Descriptors, StartRequest } from './keeper-client.ts';
import { once } from './once.ts';
import { closePty, openPty, type Pty } from './start/pty.ts';
import { findInstance, type RuntimeParts } from './runtime-parts.ts';
import type { BegunStart, Launch, StartOutcome } from './runtime.ts';
import { startCommand } from './instance/start-command.ts';
import { failed, givenUp } from './start/failure.ts';

/** Start an instance. What goes wrong is an outcome; only an abort rejects. */
export async function startInstance(
  parts: RuntimeParts,
  launch: Launch,
  listener: StartListener,
): Promise<StartOutcome> {
  let release = (): void => undefined;
  const letGo = once(() => closeAll(launch.fds));
  try {
    if (!findInstance(parts, launch.id, launch.instanceID)) await discard(parts, launch.id, '');
    release = await parts.slots.take(AbortSignal.any([listener.signal, listener.unwanted]));
    // While it waited for the slot, somebody may have begun to remove a stranger with its name.
    await parts.removals.get(launch.id);
    const instance = await begin(parts, launch);
    letGo();
    return await followStart(parts, instance, commandName(launch), listener, release);
  } catch (error) {
    return outcomeOf(parts, launch, listener, error);
  } finally {
    release();
    letGo();
  }
}

/** Go on with a start that is under way. What goes wrong is an outcome; only an abort rejects. */
export async function goOnStarting(
  parts: RuntimeParts,
  begun: BegunStart,
  listener: StartListener,
): Promise<StartOutcome> {
  const instance = findInstance(parts, begun.id, begun.instanceID);
  if (!instance) return failed('CreateError', 'its start was under way, and nothing is left of it', false);
  try {
    return await followStart(parts, instance, begun.command, listener);
  } catch (error) {
    return outcomeOf(parts, begun, listener, error);
  }
}

function outcomeOf(
  parts: RuntimeParts,
  { id, instanceID }: Pick<Launch, 'id' | 'instanceID'>,
  { signal, unwanted }: StartListener,
  error: unknown,
): StartOutcome {
  signal.throwIfAborted();
  if (error === unwanted.reason) return givenUp(false);
  const { createdPid, pid } = findInstance(parts, id, instanceID)?.facts ?? {};
  const existed = createdPid !== undefined || pid !== undefined;
  return failed('CreateError', wordsOf(error), existed);
}

async function begin(parts: RuntimeParts, launch: Launch): Promise<Instance> {
  // Before anything is made.
  const crun = parts.findCrun();
  const instance = findInstance(parts, launch.id, launch.instanceID) ?? prepare(parts, launch);
  const started = runShell(parts, instance.paths, launch, crun);
  // Meanwhile: what is put out before waits in the FIFOs.
  instance.attached = attachLog(parts, instance.paths, launch.log);
  await started;
  await instance.attached;
  return instance;
}

function prepare(parts: RuntimeParts, launch: Launch): Instance {
  const { id, instanceID, log } = launch;
  const paths = instancePaths(parts.runDir, id, instanceID);
  const cgroupsPath = cgroupsPathOf(launch, parts.cgroupParent);
  writeInstance(paths, launch, cgroupsPath);
  const instance = followInstance(
    id,
    paths,
    { instanceID, log, cgroupsPath, limits: limitsIn(launch) },
    { begun: true },
  );
  parts.instances.set(id, instance);
  return instance;
}

/** Idempotent, for as long as the log was not drained. */
export function attachLog({ keeper }: RuntimeParts, paths: InstancePaths, log: Launch['log']): Promise<void> {
  const streams = [
    { fifo: paths.stdout, stream: 'stdout' as const },
    { fifo: paths.stderr, stream: 'stderr' as const },
  ];
  const attached = keeper.attachLog({ key: paths.key, streams, ...log });
  // Nobody may be waiting for it when it fails.
  attached.catch(() => undefined);
  return attached;
}

/**
 * Where crun is to give the container a terminal, it wants one as its own stdin for that. Nobody types there, and crun itself holds its other end,
 * so that it lasts as long as the container does. crun carries what the container says from its terminal to stdout, and stops doing so when
 * the container ends: the very last words may be lost.
 */
async function runShell(parts: RuntimeParts, paths: InstancePaths, launch: Launch, crun: string): Promise<void> {
  const argv = startCommand(crun, crunRoot(parts.runDir), launch.id, paths, launch.fds.length);
  const pty = hasTerminal(launch) ? openPty() : undefined;
  try {
    const descriptors = descriptorsFor(launch, paths, pty);
    await askKeeper(parts, { argv, stdout: paths.stdout, stderr: paths.stderr, ...(descriptors && { descriptors }) });
  } finally {
    if (pty) closePty(pty);
  }
}

/** The terminal's other end comes after those that crun passes on. */
function descriptorsFor({ fds }: Launch, { key }: InstancePaths, pty: Pty | undefined): Descriptors | undefined {
  if (fds.length === 0 && !pty) return undefined;
  const held = fds.filter(({ hold }) => hold).map(({ fd }) => fd);
  return {
    pid: process.pid,
    fds: [...fds.map(({ fd }) => fd), ...(pty ? [pty.master] : [])],
    ...(pty && { stdin: pty.slave }),
    ...(held.length > 0 && { hold: { key, fds: held } }),
  };
}

const mostAttempts = 3;

/** A keeper that died may have started it, or not: asking again is safe, as of two shells only the first does anything. */
async function askKeeper({ keeper }: RuntimeParts, request: StartRequest): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await keeper.start(request);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'KEEPER_LOST' || attempt === mostAttempts) throw error;
    }
  }
}

function closeAll(fds: Launch['fds']): void {
  for (const { fd } of fds) {
    try {
      closeSync(fd);
    } catch {
      // Not open, which the keeper has said in words.
    }
  }
}
