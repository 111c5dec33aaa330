import { lstatSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { meansMissing, wordsOf } from '../../host/errors.ts';
import type { AddedMount } from './additions.ts';

/** With these crun takes a symbolic link for itself, wherever it leads. */
const keepLink = ['copy-symlink', 'src-nofollow'];

/**
 * Why the source of a bind mount cannot be mounted; undefined when it can, and for mounts of other kinds. Asked while it is still
 * known which plugin wants the mount: crun would name none.
 */
export function bindSourceFault({ source, destination, type, options }: AddedMount): string | undefined {
  if (type !== 'bind' && !options.includes('bind') && !options.includes('rbind')) return undefined;
  const what = `the bind mount at "${destination}" has the source "${source}"`;
  if (!isAbsolute(source)) return `${what}, which is not an absolute path`;
  try {
    void (options.some((option) => keepLink.includes(option)) ? lstatSync(source) : statSync(source));
    return undefined;
  } catch (error) {
    return meansMissing(error) ? `${what}, which is not there` : `${what}, which cannot be read: ${wordsOf(error)}`;
  }
}
