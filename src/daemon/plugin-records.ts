import { existsSync } from 'node:fs';
import type { Container } from '../api/container.ts';
import { containerID } from '../api/container.ts';
import type { PluginInfo } from '../api/wire.ts';
import { labelOf } from '../hooks/registry/candidates.ts';
import { recordsFile } from '../hooks/plugin-state.ts';
import { conflict } from './api/backend.ts';
import type { LogSource } from './api/backend.ts';
import { isUp } from './instance-logs.ts';

/** A plugin rotates its records once. */
const recordFiles = 2;

/**
 * Where a plugin keeps its records of a container, of all its instances.
 * @param stateDir the plugins' state folders are in it
 * @param plugins those that there are: the folder has the name of a plugin's file
 * @param follow records that are still to come are wanted too
 * @throws ApiError when the container does not use the plugin, or has no records of it and none are waited for
 */
export function recordSource(
  stateDir: string,
  plugins: readonly PluginInfo[],
  container: Container,
  plugin: string,
  follow: boolean,
): LogSource {
  const { metadata, spec } = container;
  const used = spec.plugins.map(({ name }) => name);
  if (!used.includes(plugin))
    throw conflict(`container "${metadata.name}" does not use the plugin ${plugin}: ${namesOf(used)}`);
  const file = plugins.find(({ name }) => name === plugin)?.path ?? plugin;
  const path = recordsFile(stateDir, labelOf(file), containerID(metadata));
  const live = isUp(container);
  if (!existsSync(path) && !existsSync(`${path}.1`) && !(live && follow))
    throw conflict(`there are no records of the plugin ${plugin} of container "${metadata.name}"${live ? ' yet' : ''}`);
  return { path, maxFiles: recordFiles, live };
}

const namesOf = (used: readonly string[]): string =>
  used.length === 0 ? 'its spec names no plugins' : `its spec names ${used.join(', ')}`;
