import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file system that is soon full. Whoever is to see it has to be in the mount namespace of the test. */
export interface SmallDisk {
  /** To the last byte: what is written in whole blocks leaves none for others. */
  fill(): void;
  /** As many empty files as it takes. */
  useUpInodes(): void;
  makeRoom(): void;
  unmount(): void;
}

/** Mount one at a directory, which is made. @param limits as tmpfs has them: `size=3m,nr_inodes=300` */
export function mountSmallDisk(directory: string, limits: string): SmallDisk {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `${limits},mode=700`, 'tmpfs', directory]);
  const writeUntilFull = (content: Buffer): void => {
    try {
      for (let i = 0; ; i++) writeFileSync(join(directory, `filling-${i}`), content);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    }
  };
  return {
    fill: () => writeUntilFull(Buffer.alloc(64 * 1024)),
    useUpInodes: () => writeUntilFull(Buffer.alloc(0)),
    makeRoom: () => {
      for (const name of readdirSync(directory)) if (name.startsWith('filling-')) rmSync(join(directory, name));
    },
    unmount: () => void execFileSync('umount', ['-l', directory]),
  };
}
