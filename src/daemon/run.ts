import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { enterMountNamespaceIfNeeded, startAgain } from '../host/mount-namespace.ts';
import type { DaemonOptions } from './options.ts';
import { watchRunDirectory } from './run-directory.ts';
import type { Daemon } from './start.ts';
import { stopInTime } from './stop-in-time.ts';

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
  const starting = startDaemon(options, namespace);
  // Who tears down can be told to end at any time.
  if (options.tearDown) await starting;
  const startAnew = (): void => startAgain(namespace.kind === 'entered' ? namespace.sentence : undefined);
  const isLost = await ended(starting, options.runDir, startAnew);
  if (isLost) startAnew();
  return isLost ? 1 : 0;
}

/** Resolves when hob has been stopped: true when its run directory is lost, and it has to start anew. @throws what its start throws */
async function ended(starting: Promise<Daemon>, runDir: string, startAnew: () => void): Promise<boolean> {
  let isLost = false;
  // What is being started is stopped when it has; a start that fails is told by who waits for it.
  const stop = (): Promise<void> =>
    starting.then(
      (daemon) => daemon.stop(),
      () => undefined,
    );
  let stopWatching = (): void => undefined;
  const end = (): void => {
    if (isLost) startAnew();
    process.kill(process.pid, 'SIGKILL');
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      // Whoever wants it to end does not want it to start over.
      isLost = false;
      stopWatching();
      stopInTime(stop, end);
    });
  const { stopped } = await starting;
  // Node does it only at its end, which a kill -9 never comes to.
  flushCompileCache();
  stopWatching = watchRunDirectory(runDir, (path) => {
    isLost = true;
    process.stderr.write(`${path} was deleted: hob starts over, the containers go on\n`);
    stopInTime(stop, end);
  });
  await stopped;
  stopWatching();
  return isLost;
}
