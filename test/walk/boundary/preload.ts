/**
 * Loaded into hob before anything of hob's own (NODE_OPTIONS=--import): wraps the functions of Node through which a process does something
 * to the world outside. What is to happen at which mark is in the file HOB_WALK_PLAN.
 */

import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { wrapFiles } from './files.ts';
import { wrapHookMessages } from './hook-messages.ts';
import { wrapJournal } from './journal.ts';
import { wrapKeeperMessages } from './keeper-messages.ts';
import { wrapLibc } from './libc.ts';
import { wrapProcesses } from './processes.ts';

const isKeeper = process.argv.some((argument) => argument.endsWith('/keeper/main.ts'));

if (isMainThread && process.env['HOB_WALK_PLAN'] !== undefined) {
  wrapFiles();
  wrapLibc();
  wrapProcesses();
  wrapKeeperMessages();
  if (!isKeeper) {
    wrapJournal();
    wrapHookMessages();
  }
  syncBuiltinESMExports();
}
