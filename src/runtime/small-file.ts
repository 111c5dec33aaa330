import { readFileSync } from 'node:fs';

/** The text of a small file; empty when it is not there. */
export function readSmall(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
