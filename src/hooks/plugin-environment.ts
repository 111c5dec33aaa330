import { dirname } from 'node:path';

/** The environment that plugins get: nothing of hob's own, which may hold what is none of their business. */
export const pluginEnvironment = (path: string): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/',
  HOB_PLUGIN_DIR: dirname(path),
});
