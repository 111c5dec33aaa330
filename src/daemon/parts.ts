import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import { ensureMode } from '../host/files.ts';
import { lockDirectory } from '../host/lock.ts';
import { assertTrustedPath } from '../host/trust.ts';
import { copiesDirectory } from '../journal/copies.ts';
import type { Journal } from '../journal/journal.ts';
import { openJournal } from '../journal/sqlite.ts';
import { createRootfs } from '../rootfs/rootfs.ts';
import type { Rootfs } from '../rootfs/rootfs.ts';
import { removeEmptyParent } from '../runtime/cgroup-remains.ts';
import { createCrunRuntime } from '../runtime/crun.ts';
import type { CrunRuntime } from '../runtime/crun.ts';
import { connectKeeper } from '../runtime/keeper-client.ts';
import type { Keeper } from '../runtime/keeper-client.ts';
import { cgroupParentOf } from './configure.ts';
import { instanceLogs } from './instance-logs.ts';
import type { InstanceLogs } from './instance-logs.ts';
import { createLog } from './log.ts';
import { placesIn } from './options.ts';
import type { DaemonOptions, Places } from './options.ts';
import { startPlugins } from './plugins.ts';
import { surroundingsOf } from './surroundings.ts';
import type { Plugins } from './plugins.ts';
import { createReporter } from './reporter.ts';
import type { Reporter } from './reporter.ts';

/** The parts that everything else stands on; none of them knows what is wanted. */
export interface Parts {
  readonly places: Places;
  readonly log: Logger;
  readonly journal: Journal;
  readonly report: Reporter;
  readonly runtime: CrunRuntime;
  readonly rootfs: Rootfs;
  readonly logs: InstanceLogs;
  readonly plugins: Plugins;
  /** Let go of all of it. @param empty there are no containers, so the keeper has nothing to keep either */
  close(empty: boolean): Promise<void>;
}

/** Take the two directories for this hob, and open what is in them. @throws Error in words when another hob has them */
export async function openParts(options: DaemonOptions, writeLine?: (line: string) => void): Promise<Parts> {
  const { stateDir, runDir, logLevel } = options;
  // Containers with a user namespace have to get through the state directory to their rootfs; what is private in it is so by itself.
  const unlock = [takeDirectory(stateDir, 0o711), takeDirectory(runDir, 0o700)];
  const places = placesIn(options);
  mkdirSync(places.logs, { recursive: true, mode: 0o700 });
  mkdirSync(places.overlays, { recursive: true });
  ensureMode(places.overlays, 0o711);
  const log = createLog(logLevel, writeLine);
  const journal = openJournal({ path: places.journal, copiesDir: copiesDirectory(runDir, stateDir), log });
  const report = createReporter(journal, log);
  const keeper = await connectKeeper({ runDir, log });
  const runtime = await createCrunRuntime({ runDir, keeper, log, cgroupParent: cgroupParentOf(runDir) });
  const folders = pluginFolders(options, journal);
  const plugins = await startPlugins({
    folders,
    stateDir: places.pluginState,
    surroundings: surroundingsOf(runDir),
    keeper,
    journal,
    log,
    report,
  });
  return {
    places,
    log,
    journal,
    report,
    runtime,
    rootfs: createRootfs({ overlaysDir: places.overlays }),
    logs: instanceLogs(places.logs),
    plugins,
    close: async (empty) => {
      await plugins.close();
      runtime.close();
      await letGo(keeper, empty);
      if (empty) removeEmptyParent(cgroupParentOf(runDir));
      journal.close();
      unlock.forEach((release) => release());
    },
  };
}

/** Whoever can write there can have hob start anything, as root. */
function takeDirectory(directory: string, mode: number): () => void {
  const release = lockDirectory(directory, mode);
  const fault = assertTrustedPath(directory);
  if (fault === undefined) return release;
  release();
  throw new Error(`hob does not start on a directory that others can change: ${fault}`);
}

const letGo = (keeper: Keeper, empty: boolean): Promise<void> => (empty ? keeper.retire() : keeper.close());

/** Whoever tears down what an earlier hob left needs the plugins that this one had. */
function pluginFolders({ tearDown, plugins }: DaemonOptions, journal: Journal): readonly string[] {
  if (!tearDown) journal.setFact('pluginFolders', JSON.stringify(plugins));
  return tearDown ? (JSON.parse(journal.fact('pluginFolders') ?? '[]') as string[]) : plugins;
}
