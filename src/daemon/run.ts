import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { enterMountNamespaceIfNeeded, startAgain } from '../host/mount-namespace.ts';
import type { DaemonOptions } from './options.ts';
import { watchRunDirectory } from './run-directory.ts';
import type { Daemon } from './start.ts';

/**
 * `hob run`: keep containers as their specs say until a signal ends it, or `hob down`. The containers go on without it.
 * @returns the exit code
 * @throws Error, in words for people, when it cannot start
 */
export async function runDaemon(options: DaemonOptions): Promise<number> {
  if (process.geteuid?.() !== 0)
    throw new Error('hob needs root: it makes mounts, namespaces and cgroups. Run it as root, for instance with sudo');
  mkdirSync(options.runDir, { recursive: true, mode: 0o700 });
  // First of all, and before anything heavy is loaded: this may start the process anew.
  const namespace = enterMountNamespaceIfNeeded(options.runDir);
  const { startDaemon } = await import('./start.ts');
  const daemon = await startDaemon(options, namespace);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopInTime(daemon));
  // Node does it only at its end, which a kill -9 never comes to.
  flushCompileCache();
  let isLost = false;
  const stopWatching = watchRunDirectory(options.runDir, (path) => {
    isLost = true;
    process.stderr.write(`${path} was deleted: hob starts over, the containers go on\n`);
    stopInTime(daemon);
  });
  await daemon.stopped;
  stopWatching();
  if (isLost) startAgain(namespace.kind === 'entered' ? namespace.sentence : undefined);
  return isLost ? 1 : 0;
}

const STOP_LIMIT_MS = 15_000;

/** A stop that hangs (a disk that does not answer) is worth less than the end: hob's own death costs nothing. */
function stopInTime(daemon: Daemon): void {
  setTimeout(() => {
    process.stderr.write(`hob could not end in order within ${STOP_LIMIT_MS / 1000} s, and ends now\n`);
    process.kill(process.pid, 'SIGKILL');
  }, STOP_LIMIT_MS).unref();
  void daemon.stop();
}
