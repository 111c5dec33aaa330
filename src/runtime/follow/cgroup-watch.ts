import { watch } from 'node:fs';
import { cgroupPaths, type CgroupLayout } from '../../host/cgroups.ts';
import { controlFiles, watchedControllers } from '../limits.ts';

/**
 * Hear of every write into the files of a cgroup that limit its processes or hold them still, whoever writes. The kernel tells; nothing is polled.
 * @returns how to stop
 * @throws Error when there is no such cgroup, or no watch to be had
 */
export function watchCgroup(cgroupsPath: string, layout: CgroupLayout, onWrite: () => void): () => void {
  const paths = cgroupPaths(cgroupsPath, layout);
  const directories = new Set(watchedControllers.flatMap((controller) => paths.get(controller) ?? []));
  const watchers: { close(): void }[] = [];
  const close = (): void => watchers.forEach((watcher) => watcher.close());
  try {
    for (const directory of directories) watchers.push(watchDirectory(directory, onWrite));
  } catch (error) {
    close();
    throw error;
  }
  return close;
}

function watchDirectory(directory: string, onWrite: () => void): { close(): void } {
  const watcher = watch(directory, { persistent: false }, (_event, name) => {
    if (name === null || controlFiles.has(name)) onWrite();
  });
  // It went with its container.
  watcher.on('error', () => watcher.close());
  return watcher;
}
