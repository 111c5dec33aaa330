/**
 * Perfetto: lets a container talk to the tracing daemon of the host. Where there is none, the container starts without. See README.md.
 */

import { lstatSync, type Stats } from 'node:fs';
import { isAbsolute } from 'node:path';
import { readData } from 'hob/data';
import { HintFlags } from 'hob/hint-flags';
import { MountFlags, type Plugin } from 'hob/plugin';

const VARIABLE = 'PERFETTO_PRODUCER_SOCK_NAME';
/** Where Perfetto's own programs look when nobody tells them otherwise: on the host, and in every container. */
const DEFAULT_PATH = '/tmp/perfetto-producer';
/** From the environment of hob. Empty counts as not set, as it does for Perfetto. */
const chosenPath = process.env[VARIABLE] || undefined;
const FLAGS = MountFlags.MS_BIND | MountFlags.MS_NOSUID | MountFlags.MS_NODEV | MountFlags.MS_NOEXEC;

const plugin: Plugin = {
  name: 'Perfetto',
  hookHints: HintFlags.PostConstructionSync,

  postConstruction(id, startState, _rootfsPath, data) {
    readData(data).end();
    const path = chosenPath ?? DEFAULT_PATH;
    const fault = faultOf(path);
    if (fault !== undefined) {
      console.warn(`Perfetto: ${id} runs without tracing: ${path} ${fault}`);
      return true;
    }
    return (
      startState.addMount(path, DEFAULT_PATH, 'bind', FLAGS) &&
      startState.addEnvironmentVariable(`${VARIABLE}=${DEFAULT_PATH}`)
    );
  },
};

export default plugin;

/** Why the daemon's socket cannot be given to a container; undefined when it can. Links are not followed: they could lead to any socket. */
function faultOf(path: string): string | undefined {
  if (!isAbsolute(path)) return `is not an absolute path; hob's own ${VARIABLE} has to be one`;
  const stats = statsOf(path);
  if (stats === undefined)
    return `is not there; is the tracing daemon running? hob's own ${VARIABLE} says where its socket is`;
  if (!stats.isSocket()) return 'is not a socket';
  // In /tmp everybody may make a socket, and replace their own by a link. Any other path was chosen by who runs hob.
  if (chosenPath === undefined && stats.uid !== 0)
    return `belongs to user ${stats.uid}; if it is the right one, say so: start hob with ${VARIABLE}=${path}`;
  return undefined;
}

function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    // Whatever the reason, there is no socket for us.
    return undefined;
  }
}
