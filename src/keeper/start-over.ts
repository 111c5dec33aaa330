import { flushCompileCache, getCompileCacheDir } from 'node:module';

const warmMark = 'HOB_KEEPER_WARM';
/** Between what this program takes with (68 MB) and without (49 MB) the compiler in memory. */
const compilerLoadedBytes = 60e6;

/**
 * Become a fresh process when the compiler had to be loaded, as its memory never comes back, and the keeper lives long. What it compiled
 * is in the compile cache then, so this happens once after an update. Comes back when there is nothing to gain.
 */
export function startOverIfCompilerIsLoaded(): void {
  if (process.memoryUsage.rss() < compilerLoadedBytes || process.env[warmMark] || !getCompileCacheDir()) return;
  flushCompileCache();
  process.execve?.(process.execPath, [process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    ...process.env,
    [warmMark]: '1',
  });
}
