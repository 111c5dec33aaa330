import { join, resolve } from 'node:path';

/** hob's places on a host, where neither a flag nor the environment says otherwise. */
export const defaults = {
  stateDir: '/var/lib/hob',
  runDir: '/run/hob',
  watch: '/etc/hob/containers',
  plugins: '/etc/hob/plugins',
} as const;

interface DirectoryFlags {
  readonly 'state-dir'?: string | undefined;
  readonly 'run-dir'?: string | undefined;
}

/** The flag, else the environment, else the default; absolute. */
export function directories(flags: DirectoryFlags): { stateDir: string; runDir: string } {
  const { HOB_STATE_DIR, HOB_RUN_DIR } = process.env;
  return {
    stateDir: resolve(flags['state-dir'] || HOB_STATE_DIR || defaults.stateDir),
    runDir: resolve(flags['run-dir'] || HOB_RUN_DIR || defaults.runDir),
  };
}

/** Where the hob of these directories answers. */
export function socketPath(flags: DirectoryFlags): string {
  return join(directories(flags).runDir, 'hob.sock');
}
