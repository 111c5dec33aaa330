import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from '../api/container.ts';
import { memoryBytes } from '../api/quantity.ts';
import { codeOf } from '../host/errors.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';
import { instanceID, instancesOf } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import { conflict } from './api/backend.ts';
import type { LogSource } from './api/backend.ts';

/** Where the output of instances goes: the file that the spec names, or one for each instance in hob's state directory. */
export interface InstanceLogs {
  readonly of: LifecycleParts['logOf'];
  /** Keep the present instance's and the one's before. */
  readonly prune: LifecycleParts['pruneLogs'];
  /** The container is gone. Another of its name may have come already, and keeps its own. Rejects when something is left. */
  forget(id: string, uid: string): Promise<void>;
  /** For people who want to read them. @throws ApiError when there is none before the present one */
  readonly source: (container: Container, id: string, previous: boolean) => LogSource;
}

export function instanceLogs(directory: string): InstanceLogs {
  const fileOf = (id: string, instanceID: string): string => join(directory, id, `${instanceID}.log`);
  return {
    of: (id, { id: instanceID, spec: { log } }) => ({
      path: log.path ?? fileOf(id, instanceID),
      maxSizeBytes: memoryBytes(log.maxSize),
      maxFiles: log.maxFiles,
    }),
    prune: async ({ id, instance, instances, uid }: ContainerContext) => {
      const keep = [instance?.id, instanceID(uid, instances - 1)];
      const names = await readdir(join(directory, id)).catch(() => []);
      const old = names.filter((name) => !keep.some((one) => name.startsWith(`${one}.log`)));
      await Promise.all(old.map((name) => rm(join(directory, id, name), { force: true })));
    },
    forget: async (id, uid) => {
      const names = await readdir(join(directory, id)).catch(() => []);
      const own = names.filter((name) => name.startsWith(instancesOf(uid)));
      await Promise.all(own.map((name) => rm(join(directory, id, name), { force: true })));
      await rmdir(join(directory, id)).catch((error: unknown) => {
        if (!['ENOENT', 'ENOTEMPTY'].includes(codeOf(error))) throw error;
      });
    },
    source: (container, id, previous) => {
      const { spec, status } = container;
      const present = status?.instanceID ?? '';
      const wanted = previous ? before(container, present) : present;
      const live = !previous && isUp(container);
      return { path: spec.log.path ?? fileOf(id, wanted), maxFiles: spec.log.maxFiles, live };
    },
  };
}

/** Whether more may come from its present instance. */
export function isUp({ status }: Container): boolean {
  return status?.phase === 'Running' || status?.phase === 'Paused' || status?.phase === 'Stopping';
}

function before({ metadata, spec }: Container, present: string): string {
  const number = Number(present.split('-').at(-1));
  if (spec.log.path) throw conflict(`the logs of all instances of ${metadata.name} are in one file, ${spec.log.path}`);
  if (!(number > 1)) throw conflict(`container "${metadata.name}" had no instance before the present one`);
  return instanceID(metadata.uid ?? '', number - 1);
}
