import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { containerMetadata } from '../container-metadata.ts';
import { environmentVariables, type PluginSetting } from '../plugin-variables.ts';
import type { PluginUtilities } from '../plugin.ts';
import { programRequest } from '../plugin-programs.ts';
import { prepareStateDir, removeMetadata } from '../plugin-state.ts';
import { MAX_OUTPUT_BYTES } from '../run-process.ts';
import type { Surroundings } from '../surroundings.ts';
import { runLocally } from './run-locally.ts';
import { tellVariables } from './told-variables.ts';

/** The folders that a plugin under test has instead of a host's, and the variables of this process that tell it of them. */
export interface Workshop {
  /** Ends in "/". */
  readonly rootfsPath: string;
  readonly setting: PluginSetting;
  /** As at the end of an instance: what was remembered of the container is removed. */
  forget(containerID: string): void;
  remove(): void;
}

const controllers = ['cpu', 'cpuset', 'devices', 'freezer', 'io', 'memory', 'pids'];

/**
 * @param path the plugin's file
 * @param passedOn variables of this process that it is to have as well
 */
export function openWorkshop(path: string, passedOn: readonly string[]): Workshop {
  const dir = mkdtempSync(join(tmpdir(), 'hob-test-'));
  for (const name of ['rootfs', 'cgroup']) mkdirSync(join(dir, name), { mode: 0o755 });
  const surroundings: Surroundings = {
    nodeName: hostname(),
    cgroupVersion: 2,
    cgroupMounts: Object.fromEntries(controllers.map((controller) => [controller, join(dir, 'cgroup')])),
    cgroupParent: '/hob',
  };
  const stateDir = prepareStateDir(join(dir, 'state'), 'plugin');
  const setting = { path, stateDir, surroundings, passedOn };
  const takeBack = tellVariables(setting);
  return {
    rootfsPath: join(dir, 'rootfs/'),
    setting,
    forget: (containerID) => removeMetadata(join(dir, 'state'), containerID),
    remove() {
      takeBack();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The utilities, as a module gets them from hob; programs are started by this process. */
export function localUtilities(setting: PluginSetting): PluginUtilities {
  return {
    async run(argv, options) {
      const asked = programRequest(argv, options);
      const request = { ...asked, env: environmentVariables(setting), cwd: '/', maxOutputBytes: MAX_OUTPUT_BYTES };
      const { truncated: _, ...result } = await runLocally(request, options?.signal);
      return result;
    },
    metadata: (containerID) => containerMetadata(setting.stateDir, containerID),
  };
}
