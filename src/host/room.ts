import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from './errors.ts';

/**
 * What to do when nothing more could be written at `path`, and its file system has no room: a sentence for people.
 * @returns undefined when the error says something else
 */
export function cureForNoRoom(error: unknown, path: string): string | undefined {
  if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error))) return undefined;
  if (lacksInodes(path)) return `no inode is left on the file system of ${path}: remove files there, empty ones too`;
  return `the file system of ${path} is full: free some space there`;
}

/** What needs several removes the first when it does not get the last. */
const fewInodes = 16;

/** Whether its file system, which may have space left, takes no more files. */
export function lacksInodes(path: string): boolean {
  try {
    const { files, ffree } = statfsSync(path);
    return files > 0 && ffree < fewInodes;
  } catch {
    return path !== dirname(path) && lacksInodes(dirname(path));
  }
}
