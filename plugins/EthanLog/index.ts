/**
 * EthanLog: a pipe for structured log records, which go to journald and to a file that `hob logs --ethanlog NAME` shows.
 * The pipe is in the file system, and hob's keeper holds it: so it is there when hob comes back.
 */

import { closeSync, openSync } from 'node:fs';
import { HintFlags } from 'hob/hint-flags';
import type { Plugin, PluginEnvironment } from 'hob/plugin';
import { openLogs } from './logs.ts';
import { readSettings } from './settings.ts';

const NAME = 'EthanLog';

export default function createEthanLog(environment: PluginEnvironment): Plugin {
  const logs = openLogs(environment);
  return {
    name: NAME,
    hookHints: HintFlags.PostConstructionSync | HintFlags.PreStartSync | HintFlags.PreDestructionSync,

    postConstruction(id, startState, _rootfsPath, data) {
      const settings = readSettings(id, data);
      const isSilent = settings.levels.length === 0;
      const fd = isSilent ? openSync('/dev/null', 'w') : logs.begin(id, settings);
      try {
        const number = startState.addFileDescriptor(NAME, fd, { hold: !isSilent });
        if (number < 0) throw new Error('the pipe cannot be handed to the container');
        return startState.addEnvironmentVariable(`ETHAN_LOGGING_PIPE=${number}`);
      } finally {
        closeSync(fd);
      }
    },

    preStart(id, pid) {
      logs.started(id, pid);
      return true;
    },

    preDestruction(id) {
      logs.end(id);
      return true;
    },
  };
}
