import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { isAlive } from '../../support/processes.ts';

/** A process that ends with this one, however this one ends. What it prints goes to a file. */
export interface BoundProcess {
  readonly pid: number;
  isAlive(): boolean;
  signal(signal: NodeJS.Signals): void;
  /** Signal it, and wait until it has ended. */
  end(signal: NodeJS.Signals): Promise<void>;
  /** The last of what it printed. */
  lastWords(): string;
}

export function startBoundProcess(
  program: string,
  args: readonly string[],
  { log, env = {} }: { log: string; env?: Record<string, string> },
): BoundProcess {
  const output = openSync(log, 'a');
  // A process group of its own: Ctrl-C is for the tests, which end it in their own order.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
    detached: true,
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  const runs = (): boolean => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    isAlive: () => runs() && isAlive(child.pid ?? 0),
    signal: (signal) => void (runs() && child.kill(signal)),
    async end(signal) {
      if (runs()) child.kill(signal);
      await ended;
    },
    lastWords: () => readFileSync(log, 'utf8').split('\n').slice(-20).join('\n'),
  };
}

/** Removes a directory when this process has ended, in case it cannot do so itself. */
export function removeAfterwards(directory: string): void {
  const child = spawn('sh', ['-c', 'cat; rm -rf "$1"', 'sh', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  (child.stdin as Socket).unref();
}
