import { spawn } from 'node:child_process';
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { getCompileCacheDir } from 'node:module';
import { dirname, join } from 'node:path';
import { keeperFiles } from '../../keeper/protocol.ts';

const main = join(import.meta.dirname, '../../keeper/main.ts');
const mostOldLogBytes = 64 * 1024;

/** The keeper's work is in native calls: optimizing compilers would gain nothing and cost 8 MB; and it makes little garbage. */
const frugal = ['--max-semi-space-size=1', '--max-old-space-size=128', '--v8-pool-size=1', '--no-opt', '--no-maglev'];
/** No stray SIGUSR1 opens a debugger in something this powerful. */
const quiet = ['--disable-sigusr1', '--disable-warning=ExperimentalWarning'];

export interface KeeperProcess {
  /** Undefined while it runs. */
  ended(): { readonly failed: boolean; readonly how: string } | undefined;
}

/** The program that a keeper is, and its arguments. */
export function keeperCommand(runDir: string, nodeArgs: readonly string[] = []): readonly [string, ...string[]] {
  return [process.execPath, ...frugal, ...quiet, ...nodeArgs, main, runDir];
}

/** Start a keeper, in a session of its own and with nothing of ours but its log. The one process that hob itself starts. */
export function startKeeperProcess(runDir: string, nodeArgs: readonly string[]): KeeperProcess {
  const log = openOwnLog(runDir);
  const [program, ...args] = keeperCommand(runDir, nodeArgs);
  const child = spawn(program, args, {
    cwd: '/',
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: compileCache(runDir) },
    stdio: ['ignore', log, log],
    detached: true,
  });
  closeSync(log);
  let end: ReturnType<KeeperProcess['ended']>;
  child.on('error', (error) => (end = { failed: true, how: error.message }));
  child.on('exit', (code, signal) => (end = { failed: code !== 0, how: signal ?? `exit code ${code}` }));
  child.unref();
  return { ended: () => end };
}

function openOwnLog(runDir: string): number {
  const fd = openSync(join(runDir, keeperFiles.log), 'a', 0o600);
  if (fstatSync(fd).size > mostOldLogBytes) ftruncateSync(fd);
  return fd;
}

/** Ours, or one that the next keeper finds again: without one it would be a third larger. */
function compileCache(runDir: string): string {
  const ours = getCompileCacheDir();
  return process.env['NODE_COMPILE_CACHE'] ?? (ours ? dirname(ours) : join(runDir, 'compile-cache'));
}

/** The last words of the keepers of this run directory, for error messages. */
export function keeperLogTail(runDir: string): string {
  const text = readText(join(runDir, keeperFiles.log)).trim();
  return text === '' ? 'its log is empty' : `its log ends in: ${text.slice(-1000)}`;
}

/** What the pid file says: the keeper that is, or was last. */
export function keeperPid(runDir: string): number {
  return Number(readText(join(runDir, keeperFiles.pid)));
}

/** Kill a process, if it is a keeper of this run directory. */
export function killKeeper(runDir: string, pid: number): boolean {
  if (!isKeeper(pid, runDir)) return false;
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false; // it went by itself just now
  }
}

function isKeeper(pid: number, runDir: string): boolean {
  const argv = readText(`/proc/${pid}/cmdline`).split('\0');
  const at = argv.findIndex((argument) => argument.endsWith('/keeper/main.ts'));
  return at > 0 && argv[at + 1] === runDir;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
