import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

/** SQLite would make it too, but readable by everybody; its side files take over the mode of this one. */
export function makeFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
}
