import { existsSync, mkdirSync, watch } from 'node:fs';

export interface FolderWatch {
  close(): void;
}

/** A file by hand is often written in pieces. */
const settleMs = 300;

/** Hear that something in a folder has changed, after it has settled. A folder that somebody deletes is made again, empty. */
export function watchFolder(directory: string, onChange: () => void): FolderWatch {
  let timer: NodeJS.Timeout | undefined;
  let watcher = begin();

  function begin(): FolderWatch {
    const begun = watch(directory, () => {
      clearTimeout(timer);
      timer = setTimeout(settled, settleMs);
    });
    begun.on('error', () => begun.close());
    return begun;
  }

  function settled(): void {
    if (!existsSync(directory)) beginAnew();
    onChange();
  }

  function beginAnew(): void {
    watcher.close();
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      watcher = begin();
    } catch {
      // The disk is full, or gone: the next `hob apply` will say so.
    }
  }

  return {
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
