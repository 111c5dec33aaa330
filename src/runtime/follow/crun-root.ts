import { copyFileSync, existsSync, mkdirSync, readdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../../host/errors.ts';
import { discard } from '../discard.ts';
import type { DriftListener } from './drift.ts';
import { crunStateExists, livingStat } from '../instance/init.ts';
import { crunRoot, isSafeID } from '../instance/paths.ts';
import type { Instance } from '../instance.ts';
import type { RuntimeParts } from '../runtime-parts.ts';
import { readSmall } from '../small-file.ts';

/** Notices containers that appear in hob's own crun root and are not hob's, and what crun needs being deleted: one watch for all. */
export interface CrunRootWatch {
  look(): void;
  close(): void;
}

export function createCrunRootWatch(
  parts: RuntimeParts,
  { tell, stranger }: Pick<DriftListener, 'tell' | 'stranger'>,
): CrunRootWatch {
  const { runDir, instances, warn } = parts;
  const root = crunRoot(runDir);
  const touched = new Set<string>();
  /** Strangers at the last look: what hob itself is about to remove is given the time to go. */
  let strangers = new Set<string>();
  let watcher = watchRoot();
  const asked = new WeakSet<Instance>();

  function watchRoot(): { close(): void } {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const begun = watch(root, { persistent: false }, (_event, name) => touched.add(name ?? ''));
    begun.on('error', () => touched.add(''));
    return begun;
  }

  /** The whole directory may have been deleted. */
  function watchAnew(): void {
    watcher.close();
    watcher = watchRoot();
    for (const name of [...instances.keys(), ...readdirSync(root)]) touched.add(name);
  }

  function remember(instance: Instance): void {
    const status = readSmall(join(instance.paths.crunState, 'status'));
    if (status.includes(`"pid": ${instance.init?.pid},`)) instance.crunStatus = status;
    else if (asked.has(instance)) instance.crunStatus = '';
    asked.add(instance);
  }

  function lookAt(name: string): void {
    const instance = instances.get(name);
    if (!instance) return considerStranger(name);
    if (!instance.init || !livingStat(instance.init) || crunStateExists(instance)) return;
    tell(name, 'StateLost', restore(instance));
  }

  function considerStranger(name: string): void {
    if (!isSafeID(name) || !existsSync(join(root, name))) return;
    if (strangers.has(name)) void removeStranger(name);
    else touched.add(name);
  }

  async function removeStranger(name: string): Promise<void> {
    try {
      await discard(parts, name, '');
      stranger(name);
    } catch (error) {
      touched.add(name);
      warn(`crun holds a container "${name}" that hob knows nothing of; it could not be removed: ${wordsOf(error)}`);
    }
  }

  return {
    look() {
      for (const instance of instances.values())
        if (instance.init?.pidfd !== undefined && instance.crunStatus === undefined) remember(instance);
      if (touched.size === 0) return;
      if (!existsSync(root)) watchAnew();
      const now = [...touched];
      touched.clear();
      now.forEach(lookAt);
      strangers = new Set(touched);
    },
    close: () => watcher.close(),
  };
}

/** crun needs the two files to pause the container, to change its limits and to run something in it. */
function restore({ crunStatus, paths }: Instance): string {
  const lost = 'what crun keeps of it was deleted from outside';
  if (!crunStatus) return `${lost}; it runs on, but cannot be paused or changed until it is started again`;
  try {
    mkdirSync(paths.crunState, { recursive: true, mode: 0o700 });
    copyFileSync(paths.config, join(paths.crunState, 'config.json'));
    writeFileSync(join(paths.crunState, 'status'), crunStatus, { mode: 0o700 });
    return `${lost}; hob wrote it again`;
  } catch (error) {
    return `${lost}, and could not be written again (${wordsOf(error)}): it runs on, but not all can be done with it`;
  }
}
