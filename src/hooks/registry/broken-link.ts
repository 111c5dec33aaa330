import { readlink, stat } from 'node:fs/promises';
import { wordsOf } from '../../host/errors.ts';

/** Why a symbolic link cannot be followed, as after `ln -s` with a path from elsewhere; undefined where it can be, and where there is no link. */
export async function linkFault(path: string): Promise<string | undefined> {
  try {
    await stat(path);
    return undefined;
  } catch (error) {
    const target = await readlink(path).catch(() => undefined);
    return target && `it is a symbolic link to ${target}, which cannot be followed: ${wordsOf(error)}`;
  }
}
