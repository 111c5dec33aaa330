import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { wordsOf } from '../../host/errors.ts';
import { discard } from '../discard.ts';
import type { DriftListener } from './drift.ts';
import { livingStat } from '../instance/init.ts';
import { crunRoot, instancesDirectory, isSafeID, keptCrunStatus } from '../instance/paths.ts';
import type { Instance } from '../instance.ts';
import { parseRecord } from '../json.ts';
import type { RuntimeParts } from '../runtime-parts.ts';
import { readSmall } from '../small-file.ts';

/** Notices what is in hob's own crun root and is not hob's, and what crun needs being deleted: one watch for all. */
export interface CrunRootWatch {
  look(): void;
  close(): void;
}

export function createCrunRootWatch(
  parts: RuntimeParts,
  { tell, stranger }: Pick<DriftListener, 'tell' | 'stranger'>,
): CrunRootWatch {
  const { runDir, instances, removals, warn } = parts;
  const root = crunRoot(runDir);
  const bundles = instancesDirectory(runDir);
  /** What the kernel tells of the directory itself comes with its own name. */
  const itself = basename(root);
  const touched = new Set<string>();
  /** Strangers at the last look: what hob itself is about to remove is given the time to go. */
  let strangers = new Set<string>();
  let watched = watchRoot();
  // What could not be removed when hob started is tried again.
  const leftOver = [...instances.values()].filter(({ strange }) => strange);
  for (const name of [...readdirSync(root), ...readdirSync(bundles), ...leftOver.map(({ id }) => id)])
    touched.add(name);
  const asked = new WeakSet<Instance>();
  const warnedOf = new Set<string>();

  function watchRoot(): { close(): void; identity: string } {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const identity = identityOf(root);
    const watcher = watch(root, { persistent: false }, (_event, name) => touched.add(name ?? itself));
    watcher.on('error', () => touched.add(itself));
    return { close: () => watcher.close(), identity };
  }

  /** The whole directory may have been deleted, and made again by somebody else. */
  function watchAnew(): void {
    watched.close();
    watched = watchRoot();
    for (const name of [...instances.keys(), ...readdirSync(root)]) touched.add(name);
  }

  /** In the bundle as well, for the next hob. */
  function remember(instance: Instance): void {
    const kept = join(instance.paths.directory, keptCrunStatus);
    const known = readStatus(instance, kept);
    const status = readStatus(instance, join(instance.paths.crunState, 'status')) ?? known;
    if (status !== undefined && known === undefined) tryToKeep(kept, status);
    if (status !== undefined || asked.has(instance)) instance.crunStatus = status ?? '';
    asked.add(instance);
  }

  function lookAt(name: string): void {
    const instance = instances.get(name);
    if (!instance || instance.strange) return considerStranger(name);
    if (!instance.init || !livingStat(instance.init) || existsSync(join(instance.paths.crunState, 'status'))) return;
    giveBack(name, instance);
  }

  function giveBack(name: string, instance: Instance): void {
    const lost = 'what crun keeps of it was deleted from outside';
    if (!instance.crunStatus)
      return tell(name, 'StateLost', `${lost}; it runs on, but cannot be paused or changed until it is started again`);
    try {
      restore(instance);
      warnedOf.delete(name);
      tell(name, 'StateLost', `${lost}; hob wrote it again`);
    } catch (error) {
      touched.add(name);
      const words = `${lost}, and cannot be written again yet (${wordsOf(error)}): it runs on, but not all can be done with it`;
      if (!warnedOf.has(name)) tell(name, 'StateLost', words);
      warnedOf.add(name);
    }
  }

  function considerStranger(name: string): void {
    if (!isSafeID(name) || (!instances.has(name) && !isThere(name))) return;
    if (strangers.has(name) && !removals.has(name)) void removeStranger(name);
    else touched.add(name);
  }

  const isThere = (name: string): boolean => [root, bundles].some((directory) => existsSync(join(directory, name)));

  async function removeStranger(name: string): Promise<void> {
    try {
      await discard(parts, name, '');
      stranger(name);
    } catch (error) {
      touched.add(name);
      if (!warnedOf.has(name))
        warn(
          `of a container "${name}", of which hob knows nothing, something is there that could not be removed: ${wordsOf(error)}`,
        );
      warnedOf.add(name);
    }
  }

  return {
    look() {
      for (const instance of instances.values())
        if (instance.init?.pidfd !== undefined && instance.crunStatus === undefined) remember(instance);
      if (touched.has(itself) || identityOf(root) !== watched.identity) watchAnew();
      if (touched.size === 0) return;
      const now = [...touched];
      touched.clear();
      now.forEach(lookAt);
      strangers = new Set(touched);
    },
    close: () => watched.close(),
  };
}

/** Which directory it is, whatever its name; empty when there is none. */
function identityOf(directory: string): string {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat ? `${stat.dev}:${stat.ino}` : '';
}

/** Undefined where it is not whole, or of another. */
function readStatus({ init }: Instance, path: string): string | undefined {
  const status = readSmall(path);
  return parseRecord(status)['pid'] === init?.pid ? status : undefined;
}

function tryToKeep(path: string, status: string): void {
  try {
    writeFileSync(path, status, { mode: 0o600 });
  } catch {
    // It is still known to this process.
  }
}

/**
 * crun needs the two files to pause the container, to change its limits and to run something in it. They come in one step: of a folder that
 * lacks one of them, crun could not even delete the container.
 */
function restore({ crunStatus = '', paths }: Instance): void {
  const beside = join(paths.directory, 'crun-state.new');
  rmSync(beside, { recursive: true, force: true });
  mkdirSync(beside, { recursive: true, mode: 0o700 });
  copyFileSync(paths.config, join(beside, 'config.json'));
  writeFileSync(join(beside, 'status'), crunStatus, { mode: 0o700 });
  rmSync(paths.crunState, { recursive: true, force: true });
  renameSync(beside, paths.crunState);
}
