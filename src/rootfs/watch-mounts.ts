import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addToEpoll, createEpoll, EPOLL, readyInEpoll } from '../host/libc.ts';
import { mountsOf } from '../host/mounts.ts';

const lookEveryMs = 2_000;
const table = '/proc/self/mountinfo';

/**
 * Notice that mounts of this mount namespace came or went. That is one question to the kernel, however many there are; only then the table of
 * mounts is read.
 * @param onChange called at once and after each change. The function tells whether there is a mount at a path below `overlaysDir`; of other
 * paths it says yes. Answers false to be called again soon, whether anything changes or not
 * @returns how to stop
 */
export function watchMounts(
  overlaysDir: string,
  onChange: (isThere: (path: string) => boolean) => boolean,
): () => void {
  const [epoll, file] = [createEpoll(), openSync(table, 'r')];
  addToEpoll(epoll, file, EPOLL.PRI);
  const look = (): boolean => onChange(mountsBelow(join(overlaysDir, '/')));
  let isDue = !look();
  const timer = setInterval(() => {
    isDue ||= readyInEpoll(epoll).length > 0;
    if (isDue) isDue = !succeeds(look);
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
    for (const fd of [epoll, file]) closeSync(fd);
  };
}

/** What fails for want of descriptors, say, is done at a later turn; it must not end hob. */
function succeeds(action: () => boolean): boolean {
  try {
    return action();
  } catch {
    return false;
  }
}

function mountsBelow(directory: string): (path: string) => boolean {
  const points = new Set(mountsOf(readFileSync(table, 'utf8')).map(({ mountPoint }) => mountPoint));
  return (path) => !path.startsWith(directory) || points.has(path);
}
