import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRecord } from './instance/files.ts';
import { instancePaths, instancesDirectory, isSafeID, signalKinds } from './instance/paths.ts';
import { followInstance, type Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import { attachLog } from './start.ts';

/** Find again the instances that an earlier hob left, and have their output carried on. */
export function adoptInstances(parts: RuntimeParts): void {
  for (const id of readdirSync(instancesDirectory(parts.runDir))) {
    const instance = adopt(parts, id);
    // What is not an instance stays to be discarded: `list` names it.
    if (instance) parts.instances.set(id, instance);
  }
}

function adopt(parts: RuntimeParts, id: string): Instance | undefined {
  const record = isSafeID(id) ? readRecord(join(instancesDirectory(parts.runDir), id, 'instance.json')) : undefined;
  if (!record) return undefined;
  const paths = instancePaths(parts.runDir, id, record.instanceID);
  const instance = followInstance(id, paths, record, { begun: false });
  if (record.log) instance.attached = attachLog(parts, paths, record.log);
  instance.attached.catch((error: unknown) =>
    parts.warn(`the output of ${paths.key} is not carried to its log: ${String(error)}`),
  );
  signalKinds.forEach(instance.read);
  return instance;
}
