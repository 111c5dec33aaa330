import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeCgroups } from './cgroup-remains.ts';
import { hasCgroup } from './cgroup-state.ts';
import { drainLog } from './container-output.ts';
import { endHelpers, endInstance } from './end-instance.ts';
import { exitOf } from './instance/exit.ts';
import { crunRoot, instancePaths, instancesDirectory, safeID } from './instance/paths.ts';
import { forgetPidfd, type Instance } from './instance.ts';
import { parseRecord } from './json.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { pruneSignals } from './signal-files.ts';
import { readSmall } from './small-file.ts';

/**
 * Remove every trace of an instance: processes, crun's state, cgroups, FIFOs, bundle. Nothing to do when it is another's turn.
 * @param instanceID empty for whatever there is of the container
 * @throws Error when something does not go away; calling again goes on
 */
export async function discard(parts: RuntimeParts, id: string, instanceID: string): Promise<void> {
  const instance = parts.instances.get(id);
  if (!instance || instanceID === '') await removeStranger(parts, id);
  else if (instance.record.instanceID === instanceID) await discardInstance(parts, instance);
  // Of an instance whose bundle somebody removed, only its ids are known.
  if (!instance && instanceID !== '') await parts.keeper.release(instancePaths(parts.runDir, id, instanceID).key);
}

async function discardInstance(parts: RuntimeParts, instance: Instance): Promise<void> {
  const { id, paths } = instance;
  await endInstance(parts, instance);
  await drainLog(parts, instance);
  await parts.keeper.release(paths.key);
  letGo(parts, instance);
  for (const signal of Object.values(paths.signals)) rmSync(signal, { force: true });
  // Last: as long as it is there, a hob that comes after knows what is to be discarded.
  rmSync(paths.directory, { recursive: true, force: true });
  if (parts.instances.get(id) === instance) parts.instances.delete(id);
}

/** Whoever still waits for its end is told. */
function letGo(parts: RuntimeParts, instance: Instance): void {
  instance.suspected = true;
  exitOf(instance, parts.wasOomKilled);
  forgetPidfd(instance);
  instance.wake();
}

/** Once at a time: whoever asks meanwhile waits for the same. */
async function removeStranger(parts: RuntimeParts, id: string): Promise<void> {
  const removal = parts.removals.get(id) ?? discardStranger(parts, id).finally(() => parts.removals.delete(id));
  parts.removals.set(id, removal);
  await removal;
}

function discardStranger(parts: RuntimeParts, id: string): Promise<void> {
  const instance = parts.instances.get(id);
  if (!instance) return discardUnknown(parts, id);
  instance.strange = true;
  return discardInstance(parts, instance);
}

/**
 * Remove what has the container's name and is of no known instance: crun's state without a bundle, a bundle that was never finished, or
 * processes whose files somebody has deleted: a new instance must not run beside them.
 */
async function discardUnknown(parts: RuntimeParts, id: string): Promise<void> {
  const [state, bundle] = [join(crunRoot(parts.runDir), safeID(id)), join(instancesDirectory(parts.runDir), id)];
  const usual = `${parts.cgroupParent}/${id}`;
  if (!existsSync(state) && !existsSync(bundle) && !hasCgroup(usual, parts.cgroups)) return;
  await endHelpers(bundle);
  const cgroup = parseRecord(readSmall(join(state, 'status')))['cgroup-path'];
  if (existsSync(state))
    await parts.crun(['delete', '--force', id]).catch((error: unknown) => {
      // The crun that ran it sees its end, and deletes it at the same time.
      if (existsSync(state)) throw error;
    });
  await removeCgroups(typeof cgroup === 'string' ? cgroup : usual, parts.cgroupParent);
  pruneSignals(parts.runDir, (key) => key.slice(0, key.lastIndexOf('.')) === id);
  rmSync(bundle, { recursive: true, force: true });
}
