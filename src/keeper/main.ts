/**
 * The keeper: `node main.ts RUNDIR [IDLE_SECONDS]`. Starts processes and carries container output to log files, for hob, which it outlives.
 * Its stdout and stderr are its own log.
 */

import { ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { closeInheritedDescriptors } from './inherited.ts';
import { createKeeper } from './keeper.ts';
import { tryLock } from './libc.ts';
import { keeperFiles } from './protocol.ts';
import { runRecords } from './run-records.ts';
import { startOverIfCompilerIsLoaded } from './start-over.ts';

/** More than anybody reads. The disk is other people's. */
const mostOwnLogBytes = 256 * 1024;
let ownLogBytes = 0;
const [runDir = '', idleSeconds = '30'] = process.argv.slice(2);

startOverIfCompilerIsLoaded();
closeInheritedDescriptors();
if (takeLock()) serve();

/** Held until this process ends, however that is. Somebody else's means that there is a keeper already. */
function takeLock(): boolean {
  const fd = openSync(join(runDir, keeperFiles.pid), 'a', 0o600);
  if (!tryLock(fd)) return false;
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return true;
}

function serve(): void {
  const path = join(runDir, keeperFiles.socket);
  const leave = (): never => {
    rmSync(path, { force: true }); // ours, as long as we hold the lock
    process.exit();
  };
  const records = runRecords(join(runDir, keeperFiles.runs));
  records.endLeft();
  const keeper = createKeeper({ idleMs: Number(idleSeconds) * 1000, records, warn, onOver: leave });
  rmSync(path, { force: true }); // a dead keeper's
  process.umask(0o177);
  createServer(keeper.accept).listen(path);
  process.umask(0o022);
  process.on('SIGTERM', keeper.terminate);
  // In a session of its own it gets none of a terminal's; by hand they mean hob, not its keeper.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
}

function warn(message: string): void {
  const line = `${new Date().toISOString()} ${message}\n`;
  ownLogBytes += line.length;
  if (ownLogBytes > mostOwnLogBytes) return;
  try {
    writeSync(2, line);
  } catch {
    // A full disk; the keeper has nowhere else to say so.
  }
}
