import { resolve } from 'node:path';
import { assertTrustedPath } from '../host/trust.ts';
import { openFolder, type Folder } from './directory/folder.ts';
import type { DirectoryOptions } from './directory/options.ts';
import type { Source } from './source.ts';

/** What has a default may be left out: rescanSeconds 30, settleMs 100, removeMs 100, and trust as hob's files need it. */
export type DirectorySourceOptions = Pick<DirectoryOptions, 'path' | 'log'> & Partial<DirectoryOptions>;

/**
 * The specs in a folder and its sub-folders: each `*.yaml`, `*.yml` and `*.json` whose name does not begin with a dot. Origins are absolute paths.
 *
 * Events are hints, and the truth is what a look at the files says: a hint about a file makes that file be looked at; a hint about a folder or a link, and
 * now and then the clock, make everything be looked at. A file can be declared after either; it is withdrawn only by two looks at everything,
 * in a folder that could be read.
 */
export function directorySource(options: DirectorySourceOptions): Source {
  const path = resolve(options.path);
  const { log, rescanSeconds = 30, settleMs = 100, removeMs = 100, trust = assertTrustedPath } = options;
  let folder: Folder | undefined;
  return {
    name: `directory:${path}`,
    start: async (sink) => {
      folder = openFolder({ path, sink, log, rescanSeconds, settleMs, removeMs, trust });
      await folder.watching;
    },
    stop: async () => folder?.close(),
  };
}
