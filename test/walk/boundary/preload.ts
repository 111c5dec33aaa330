/**
 * Loaded into hob before anything of hob's own (NODE_OPTIONS=--import): wraps the functions of Node through which a process does something
 * to the world outside. What is to happen at which mark is in the file HOB_WALK_PLAN.
 */

import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { wrapFiles } from './files.ts';
import { wrapHookMessages, wrapThreads } from './hook-messages.ts';
import { wrapJournal } from './journal.ts';
import { wrapKeeperMessages } from './keeper-messages.ts';
import { wrapLibc } from './libc.ts';
import { wrapProcesses } from './processes.ts';

const isKeeper = process.argv.some((argument) => argument.endsWith('/keeper/main.ts'));

if (process.env['HOB_WALK_PLAN'] !== undefined) {
  // The threads of plugins write files, too.
  wrapFiles();
  if (isMainThread) wrapTheRest();
  syncBuiltinESMExports();
}

function wrapTheRest(): void {
  wrapLibc();
  wrapProcesses();
  wrapKeeperMessages();
  if (!isKeeper) {
    wrapJournal();
    wrapHookMessages();
    wrapThreads();
  }
}
