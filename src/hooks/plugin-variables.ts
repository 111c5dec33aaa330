import { dirname } from 'node:path';
import type { Surroundings } from './surroundings.ts';

/** Where one plugin is, and what it is told of the host. */
export interface PluginSetting {
  /** The file to import or to execute. */
  readonly path: string;
  /** The plugin's own state folder. It is there. */
  readonly stateDir: string;
  readonly surroundings: Surroundings;
  /** Variables of hob's own environment that its author asked for. */
  readonly passedOn: readonly string[];
}

/** The environment that a plugin gets: of hob's own, which may hold what is none of its business, only what it asked for. */
export const environmentVariables = (setting: PluginSetting): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  HOME: '/',
  ...ownVariables(setting.passedOn),
  ...hobVariables(setting),
});

/** Those that tell it where it is. */
export const hobVariables = ({ path, stateDir, surroundings }: PluginSetting): Record<string, string> => ({
  HOB_PLUGIN_DIR: dirname(path),
  HOB_PLUGIN_STATE_DIR: stateDir,
  HOB_NODE_NAME: surroundings.nodeName,
  HOB_CGROUP_VERSION: String(surroundings.cgroupVersion),
});

/** Those of hob's own variables that are set. */
function ownVariables(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
