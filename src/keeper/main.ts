/**
 * The keeper: `node main.ts RUNDIR [IDLE_SECONDS]`. Starts processes and carries container output to log files, for hob, which it outlives.
 * Its stdout and stderr are its own log.
 */

import { existsSync, fstatSync, ftruncateSync, openSync, rmSync, statSync, watch, writeSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { closeInheritedDescriptors } from './inherited.ts';
import { createKeeper } from './keeper.ts';
import { tryLock } from './libc.ts';
import { keeperFiles } from './protocol.ts';
import { runRecords } from './run-records.ts';
import { startOverIfCompilerIsLoaded } from './start-over.ts';

/** More than anybody reads. The disk is other people's. */
const mostOwnLogBytes = 256 * 1024;
const listenAgainMs = 1000;
let ownLogBytes = 0;
const [runDir = '', idleSeconds = '30'] = process.argv.slice(2);

startOverIfCompilerIsLoaded();
closeInheritedDescriptors();
const lock = takeLock();
if (lock !== undefined) serve(lock);

/** Held until this process ends, however that is. Somebody else's means that there is a keeper already. */
function takeLock(): number | undefined {
  const fd = openSync(join(runDir, keeperFiles.pid), 'a', 0o600);
  if (!tryLock(fd)) return undefined;
  ftruncateSync(fd);
  writeSync(fd, `${process.pid}\n`);
  return fd;
}

/** Somebody may have deleted the run directory, and there may be another keeper in our place. */
const isStillOurs = (lock: number): boolean =>
  statSync(join(runDir, keeperFiles.pid), { throwIfNoEntry: false })?.ino === fstatSync(lock).ino;

function serve(lock: number): void {
  const path = join(runDir, keeperFiles.socket);
  const leave = (): never => {
    if (isStillOurs(lock)) rmSync(path, { force: true });
    process.exit();
  };
  const records = runRecords(join(runDir, keeperFiles.runs));
  records.endLeft();
  const keeper = createKeeper({ idleMs: Number(idleSeconds) * 1000, records, warn, onOver: leave });
  rmSync(path, { force: true }); // a dead keeper's
  const server = createServer(keeper.accept);
  // The first time, a failure is the end, and hob reads of it in the log.
  server.once('listening', () => {
    server.on('error', (error) => {
      warn(`the socket cannot be made again: ${error.message}; trying again`);
      setTimeout(() => {
        if (!server.listening && isStillOurs(lock)) listen(server, path);
      }, listenAgainMs);
    });
  });
  listen(server, path);
  // Somebody may have deleted the socket alone; who is connected stays so.
  watch(runDir, { persistent: false }, (_event, name) => {
    if (name !== keeperFiles.socket || existsSync(path) || !isStillOurs(lock)) return;
    server.close();
    listen(server, path);
  }).on('error', () => undefined);
  process.on('SIGTERM', keeper.terminate);
  // In a session of its own it gets none of a terminal's; by hand they mean hob, not its keeper.
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined);
}

function listen(server: Server, path: string): void {
  process.umask(0o177);
  server.listen(path);
  process.umask(0o022);
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
