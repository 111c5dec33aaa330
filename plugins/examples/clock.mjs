/**
 * clock: a plugin as an ES module. It gives a container a scratch file system and the time of its start, and says in hob's
 * log how long it ran. A copy of this file in a plugin folder is a good beginning for a plugin of your own.
 *
 *   plugins:
 *     - name: clock
 *       data:
 *         scratchSize: 4m # how large /tmp may grow; 1m when not given
 *
 * hob runs each ES-module plugin in a thread of its own, which serves all containers.
 */

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HintFlags } from 'hob/hint-flags';

/**
 * What must survive a restart of hob, or of this thread, belongs into a file. Each plugin has a folder for that; hob says
 * where it is before it calls the first hook.
 */
const noteOf = (id) => join(process.env.HOB_PLUGIN_STATE_DIR, id);

export default {
  /** The name that specs know this plugin by. */
  name: 'clock',

  /**
   * Which hooks hob calls, and how. What a container starts with has to be there before it starts, so postConstruction is
   * Sync like most hooks: one plugin after the other. Nobody needs to wait for the notes, so they are Async: they run beside
   * the hooks of the other plugins.
   */
  hookHints: HintFlags.PostConstructionSync | HintFlags.PostStartAsync | HintFlags.PostStopAsync,

  /** The rootfs is there, the container is not: the one place to add something to it. */
  async postConstruction(id, startState, rootfsPath, data) {
    const size = data?.scratchSize ?? '1m';
    // Thrown errors are fine: hob tells them as the reason why this container does not start.
    if (typeof size !== 'string') throw new TypeError('data.scratchSize must be a string like "4m"');
    startState.addEnvironmentVariable(`CLOCK_CREATED_AT=${new Date().toISOString()}`);
    startState.addMount('tmpfs', '/tmp', 'tmpfs', 0, ['nosuid', 'nodev', 'mode=1777', `size=${size}`]);
    return true;
  },

  /** The command runs. */
  async postStart(id, pid) {
    await writeFile(noteOf(id), String(Date.now()));
    // What a plugin prints goes to the log of hob.
    console.log(`clock: ${id} began, its first process is ${pid}`);
    return true;
  },

  /** Its first process is gone. A container that never got as far as postStart comes here as well. */
  async postStop(id) {
    const begun = await readFile(noteOf(id), 'utf8').catch(() => undefined);
    if (begun !== undefined) console.log(`clock: ${id} ran for ${Math.round((Date.now() - Number(begun)) / 1000)} s`);
    // Called twice when hob died in the middle of the first call: so it must be fine to do this again.
    await rm(noteOf(id), { force: true });
    return true;
  },
};
