import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { meansMissing, wordsOf } from '../host/errors.ts';
import type { ContainerMetadata } from './plugin.ts';
import { draftOf, metadataFile } from './plugin-state.ts';

/**
 * What a plugin remembers of one container, in a file that is read at each question: another thread of the plugin may have written
 * it. Only for a plugin's own thread, which may wait for the disk.
 * @throws Error when that is no container's id
 */
export function containerMetadata(pluginStateDir: string, containerID: string): ContainerMetadata {
  const path = metadataFile(pluginStateDir, containerID);
  return {
    get: (key) => readAll(path).get(key),
    set(key, value) {
      const all = readAll(path);
      writeAll(path, all.set(key, asJson(key, value)));
    },
    delete(key) {
      const all = readAll(path);
      if (all.delete(key)) writeAll(path, all);
    },
  };
}

function readAll(path: string): Map<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return new Map(Object.entries(value ?? {}));
  } catch (error) {
    if (meansMissing(error)) return new Map();
    throw new Error(`what is remembered of the container cannot be read from ${path}: ${wordsOf(error)}`, {
      cause: error,
    });
  }
}

/** In one step: whoever reads, and whatever dies meanwhile, there is the old file or the new one. */
function writeAll(path: string, all: ReadonlyMap<string, unknown>): void {
  if (all.size === 0) return rmSync(path, { force: true });
  const beside = draftOf(path);
  // Somebody may have removed the folder.
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const file = openSync(beside, 'w', 0o600);
  try {
    writeFileSync(file, JSON.stringify(Object.fromEntries(all)));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(beside, path);
}

/** As it will be read again, so that nobody is surprised only after a restart. */
function asJson(key: string, value: unknown): unknown {
  const text: unknown = JSON.stringify(value);
  if (typeof text === 'string') return JSON.parse(text);
  throw new TypeError(`what is remembered under "${key}" must be a JSON value, not ${typeof value}`);
}
