import { statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { wordsOf } from '../host/errors.ts';
import { assertTrustedPath } from '../host/trust.ts';
import { RootfsError } from './rootfs-error.ts';

/**
 * That the spec's directory is there and nobody else can replace it.
 * @param mappedRootUID the user of the host who is root in the container's user namespace: it may own the directory
 * @throws RootfsError
 */
export function checkDirectory(path: string, mappedRootUID: number | undefined): void {
  if (!statOf(path).isDirectory()) {
    throw new RootfsError(
      'RootfsNotADirectory',
      `rootfs.path ${path} is not a directory; unpack an image there, or name its directory`,
    );
  }
  const distrust = assertTrustedPath(path, mappedRootUID);
  if (distrust !== undefined) throw new RootfsError('RootfsNotTrusted', `rootfs.path ${path}: ${distrust}`);
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw new RootfsError(
      'RootfsNotFound',
      `rootfs.path ${path} cannot be used: ${wordsOf(cause)}; make that directory, or correct the path`,
      { cause },
    );
  }
}

/**
 * From a user namespace, only what everybody may pass through leads to the rootfs. crun's own words for it say nothing of the reason.
 * @throws RootfsError
 */
export function checkReachable(path: string): void {
  for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) {
    if ((statSync(parent).mode & 0o001) !== 0) continue;
    throw new RootfsError(
      'RootfsNotReachable',
      `a container with a user namespace cannot reach its rootfs ${path}: only the owner may enter ${parent}; chmod o+x ${parent}, or leave out userNamespace`,
    );
  }
}
