import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureMode } from '../host/files.ts';

/**
 * The state folder of a plugin, named after its file or folder in the plugin folder. Beside what the plugin itself puts there it has
 * `metadata/CONTAINER.json`, what the plugin remembers of a container, and `records/CONTAINER.jsonl`, what it tells people of it. hob
 * removes both by name, whatever kind of plugin wrote them and whether or not it is still there.
 */

const METADATA = 'metadata';
const RECORDS = 'records';
/** As hob makes them. */
const idPattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Make the folder, for root alone, with room for metadata. @returns its path */
export function prepareStateDir(stateDir: string, label: string): string {
  const path = join(stateDir, label);
  mkdirSync(join(path, METADATA), { recursive: true, mode: 0o700 });
  ensureMode(path, 0o700);
  return path;
}

/** @throws Error when that is no container's id, which could lead anywhere as a part of a path */
export function metadataFile(pluginStateDir: string, containerID: string): string {
  return join(pluginStateDir, METADATA, `${checkedID(containerID)}.json`);
}

/** What it is written to first; a death may leave it. */
export const draftOf = (file: string): string => `${file}.new`;

/** @throws Error when that is no container's id */
export function checkedID(containerID: string): string {
  if (typeof containerID === 'string' && idPattern.test(containerID)) return containerID;
  throw new Error(`${JSON.stringify(containerID)} is not the id of a container`);
}

/** Where a plugin may keep records of a container. @throws Error when that is no container's id */
export function recordsFile(stateDir: string, label: string, containerID: string): string {
  return join(stateDir, label, RECORDS, `${checkedID(containerID)}.jsonl`);
}

/** All plugins forget what they remembered of a container: its instance is over. */
export function removeMetadata(stateDir: string, containerID: string): void {
  for (const folder of stateFoldersIn(stateDir)) {
    const path = metadataFile(folder, containerID);
    for (const file of [path, draftOf(path)]) rmSync(file, { force: true });
  }
}

/** The container itself is gone, and nobody can ask for what plugins told of it. */
export function removeAllOf(stateDir: string, containerID: string): void {
  removeMetadata(stateDir, containerID);
  const names = ['.jsonl', '.jsonl.1'].map((suffix) => join(RECORDS, `${containerID}${suffix}`));
  for (const folder of stateFoldersIn(stateDir)) for (const name of names) rmSync(join(folder, name), { force: true });
}

/** Of plugins that are no longer there, too. */
const stateFoldersIn = (stateDir: string): string[] =>
  (existsSync(stateDir) ? readdirSync(stateDir, { withFileTypes: true }) : [])
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(stateDir, name));
