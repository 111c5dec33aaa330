/**
 * The root filesystem of each instance: the directory that the spec names, or an overlay on it that takes the writes.
 *
 * With a user namespace, the files keep the owners they have on the host: the container can change what belongs to the ids it is
 * mapped to, and sees everything else as owned by nobody. That holds for an overlay, too, whose top directory copies the owner of
 * the directory below it. hob changes no owner.
 */

import { existsSync, rmdirSync } from 'node:fs';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkDirectory, checkReachable } from './check-directory.ts';
import { isMounted, mountOverlay, unmountPatiently } from './overlay.ts';
import { removeTree } from './remove-tree.ts';

export interface RootfsRequest {
  readonly id: string;
  readonly instanceID: string;
  /** The directory that the spec names. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Which user of the host is root in the container's user namespace, if it has one. */
  readonly mappedRootUID?: number;
}

export interface Rootfs {
  /** Idempotent. @throws RootfsError */
  prepare(request: RootfsRequest): Promise<{ readonly path: string }>;
  /** Removes the instance's overlay with all that was written to it. Idempotent; nothing to do for a read-only rootfs. */
  discard(id: string, instanceID: string): Promise<void>;
  /** The instances that have something left to discard. */
  list(): Promise<readonly { readonly id: string; readonly instanceID: string }[]>;
}

/** @param overlaysDir where written files live, OVERLAYS/ID/INSTANCE/{upper,work,merged}: a filesystem that can carry overlays */
export function createRootfs({ overlaysDir }: { overlaysDir: string }): Rootfs {
  const directoryOf = (id: string, instanceID: string) => join(overlaysDir, safe(id), safe(instanceID));
  return {
    prepare: async (request) => ({ path: prepare(request, directoryOf(request.id, request.instanceID)) }),
    discard: async (id, instanceID) => {
      const directory = directoryOf(id, instanceID);
      // A read-only rootfs has nothing here; that is known without the detour of a thread.
      if (!existsSync(join(overlaysDir, id))) return;
      await discard(directory);
      await removeIfEmpty(join(overlaysDir, id));
    },
    list: () => leftovers(overlaysDir),
  };
}

/** Synchronous: some 30 cheap system calls take less time than one hop to the thread pool and back. */
function prepare({ path, readOnly, mappedRootUID }: RootfsRequest, directory: string): string {
  const merged = join(directory, 'merged');
  if (!readOnly && isMounted(merged)) return merged;
  checkDirectory(path, mappedRootUID);
  if (!readOnly) mountOverlay(path, directory, mappedRootUID === undefined ? 0o700 : 0o711);
  const rootfs = readOnly ? path : merged;
  if (mappedRootUID !== undefined) checkReachable(rootfs);
  return rootfs;
}

async function discard(directory: string): Promise<void> {
  const merged = join(directory, 'merged');
  if (isMounted(merged)) await unmountPatiently(merged);
  // Before the rest, as this refuses while something is mounted there, which the rest would go into and remove.
  if (existsSync(merged)) rmdirSync(merged);
  if (existsSync(directory)) await removeTree(directory);
}

const removeIfEmpty = (directory: string) => rmdir(directory).catch(unlessCode('ENOENT', 'ENOTEMPTY'));

async function leftovers(overlaysDir: string): Promise<{ id: string; instanceID: string }[]> {
  const ids = await safeNamesIn(overlaysDir);
  const instances = ids.map(async (id) =>
    (await safeNamesIn(join(overlaysDir, id))).map((instanceID) => ({ id, instanceID })),
  );
  return (await Promise.all(instances)).flat();
}

const safeNamesIn = async (directory: string) =>
  (await readdir(directory).catch(unlessCode('ENOENT', 'ENOTDIR')))?.filter((name) => SAFE_NAME.test(name)) ?? [];

const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;

function safe(name: string): string {
  if (SAFE_NAME.test(name)) return name;
  throw new Error(
    `${JSON.stringify(name)} cannot name a directory: letters, digits, '.', '_' and '-' only, 255 at most`,
  );
}

function unlessCode(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return (error) => {
    if (!codes.includes(error.code ?? '')) throw error;
  };
}
