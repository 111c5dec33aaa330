/**
 * OpenCDM: shares the buffers and the socket of the host's DRM with a container. What cannot be shared is told in hob's log, and the
 * container starts without it. See README.md.
 */

import { readData } from 'hob/data';
import { HintFlags } from 'hob/hint-flags';
import { MountFlags, type Plugin } from 'hob/plugin';
import { adoptDirectory, adoptFile, adoptSocket } from './adopt.ts';

/** Where the DRM keeps its things is fixed: its clients know these paths, and no others. */
const buffers = Array.from({ length: 8 }, (_, index) => `/tmp/ocdmbuffer.${index}`);
const shared = [
  ...buffers.flatMap((buffer) => [buffer, `${buffer}.admin`]).map((path) => ({ path, adopt: adoptFile })),
  { path: '/tmp/ocdm', adopt: adoptSocket },
  { path: '/tmp/OCDM', adopt: adoptDirectory },
];

const FLAGS = MountFlags.MS_BIND | MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;

const plugin: Plugin = {
  name: 'OpenCDM',
  hookHints: HintFlags.PostConstructionSync,

  postConstruction(id, startState, _rootfsPath, data) {
    readData(data).end();
    for (const { path, adopt } of shared) {
      try {
        adopt(path);
        startState.addMount(path, path, 'bind', FLAGS);
      } catch (error) {
        console.warn(`OpenCDM: ${id} gets no ${path}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return true;
  },
};

export default plugin;
