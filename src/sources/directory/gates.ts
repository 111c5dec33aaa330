/** Watching the way to the folder: the folder's own events do not tell when something else gets its name. */

import { readlinkSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { identityAt, lstatOf } from './place.ts';

/** As many links as the kernel follows. */
const MAX_LINKS = 40;

/** A name in a folder: when something else gets that name, the watched path leads elsewhere. */
export interface Gate {
  readonly folder: string;
  readonly name: string;
}

export interface GateHints {
  /** The path may lead elsewhere now. */
  swung(): void;
  /** The kernel does not watch it. */
  failed(error: unknown): void;
}

/**
 * The names that decide where an absolute path leads: each symbolic link on the way, and the name of the folder at its end. When the way
 * breaks off, the first missing name is the last gate.
 */
export function gatesTo(path: string): Gate[] {
  const gates: Gate[] = [];
  const ahead = path.split('/');
  let at = '/';
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    const next = join(at, name);
    const stats = lstatOf(next);
    if (!stats) return [...gates, { folder: at, name }];
    if (!stats.isSymbolicLink()) at = next;
    else {
      if (gates.push({ folder: at, name }) > MAX_LINKS) return gates;
      const target = readlinkSync(next);
      ahead.unshift(...target.split('/'));
      if (isAbsolute(target)) at = '/';
    }
  }
  return [...gates, { folder: dirname(at), name: basename(at) }];
}

/** Watches on the folders that hold the gates; replaced only when these are others than before. */
export interface GateWatch {
  /** Whether other folders are watched now than before: what happened meanwhile was not seen. */
  update(gates: readonly Gate[]): boolean;
  close(): void;
}

export function createGateWatch({ swung, failed }: GateHints): GateWatch {
  let watched = '';
  let watchers: FSWatcher[] = [];

  function update(gates: readonly Gate[]): boolean {
    const key = gates.map(({ folder, name }) => `${folder}\0${name}\0${identityAt(folder)}`).join('\0');
    if (key === watched) return false;
    close();
    watched = key;
    watchers = [...Map.groupBy(gates, ({ folder }) => folder)].flatMap(([folder, those]) =>
      watchGates(folder, new Set(those.map(({ name }) => name))),
    );
    return true;
  }

  function watchGates(folder: string, names: ReadonlySet<string>): FSWatcher[] {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || names.has(name)) swung();
      });
      watcher.on('error', failed);
      return [watcher];
    } catch (error) {
      failed(error);
      return [];
    }
  }

  function close(): void {
    for (const watcher of watchers) watcher.close();
    watchers = [];
    watched = '';
  }

  return { update, close };
}
