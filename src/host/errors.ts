/** What a caught value says: anything can be thrown, and TypeScript knows nothing of it. */

/** Its words: `EACCES: permission denied, open '/x'`. */
export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The system's code of a failed operation (`ENOENT`), or '' when the error has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The host has too little of something at the moment: processes, memory, descriptors, room. It says nothing of what was asked for. */
export const meansScarcity = (error: unknown): boolean =>
  ['EAGAIN', 'ENOMEM', 'EMFILE', 'ENFILE', 'ENOSPC'].includes(codeOf(error));

/** Nothing is at that path (rather than: it cannot be told what is). */
export const meansMissing = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));
