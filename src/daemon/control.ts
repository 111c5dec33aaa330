import type { Logger } from 'pino';
import { createController } from '../controller/controller.ts';
import type { Controller } from '../controller/controller.ts';
import type { AdoptedContainer } from '../controller/saved-container.ts';
import { createDesiredStore } from '../controller/desired-store.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import { tryAgain } from '../host/try-again.ts';
import type { Journal } from '../journal/journal.ts';
import { withEffects } from '../lifecycle/effects.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';
import { recover } from '../lifecycle/recover.ts';
import type { Rootfs } from '../rootfs/rootfs.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { machineVersion } from '../../machines/context.ts';
import { adopt, rememberBoot, served } from './adopt.ts';
import { hooksOf } from './hook-status.ts';
import type { InstanceLogs } from './instance-logs.ts';
import type { Plugins } from './plugins.ts';
import type { Reporter } from './reporter.ts';

/** What deciding stands on. Every effect that is decided on goes through one of these. */
export interface ControlParts {
  readonly journal: Journal;
  readonly runtime: Runtime;
  readonly rootfs: Rootfs;
  readonly configure: LifecycleParts['configure'];
  readonly logs: Pick<InstanceLogs, 'of' | 'prune' | 'forget'>;
  readonly plugins: Pick<Plugins, keyof LifecycleParts['plugins'] | 'adopt' | 'forget' | 'onChange'>;
  readonly report: Reporter;
  readonly log: Logger;
}

export interface Control {
  readonly controller: Controller;
  /** Where sources report to. */
  readonly store: DesiredStore;
  /** Decide nothing more: hob is about to end. */
  stop(): Promise<void>;
}

/** Thousands of files are read in a few seconds. */
const sourcePatienceMs = 30_000;

/**
 * Put together what decides. What an earlier hob left is adopted before any source is read, so that what is found and what is wanted meet
 * in the controller.
 * @param sources the names of all sources there are to be
 */
export async function takeControl(parts: ControlParts, sources: readonly string[]): Promise<Control> {
  const adopted = await adopt(parts);
  parts.plugins.adopt(served(adopted));
  const store: DesiredStore = openStore(sources, adopted, parts.report, () => controller);
  const controller = openController(parts, store, adopted);
  rememberBoot(parts.journal);
  parts.plugins.onChange(() => controller.pluginsChanged());
  const patience = setTimeout(() => waitNoLonger(store), sourcePatienceMs).unref();
  const stop = (): Promise<void> => {
    clearTimeout(patience);
    return controller.stop();
  };
  return { controller, store, stop };
}

/** Containers wait for their source's word before anything new is begun for them, but a source that hangs must not hold them for ever. */
function waitNoLonger(store: DesiredStore): void {
  for (const { name, synced, unavailable } of store.sources())
    if (!synced && unavailable === undefined)
      store.sinkFor(name).unavailable(`it could not be read within ${sourcePatienceMs / 1000} s`);
}

function openStore(
  sources: readonly string[],
  adopted: readonly AdoptedContainer[],
  report: Reporter,
  controller: () => Controller,
): DesiredStore {
  return createDesiredStore({
    sources,
    remembered: adopted.map(({ context, claim, contentHash }) => ({
      key: `${context.namespace}/${context.name}`,
      claim,
      generation: context.desired.generation,
      contentHash,
    })),
    onChange: (key) => controller().enqueue(key),
    onSynced: () => controller().enqueueAll(),
    onUnavailable: (source, reason) => {
      if (reason) report.source(source, 'Warning', 'SourceUnavailable', `${reason}; its containers stay as they are`);
      else report.source(source, 'Normal', 'SourceAvailable', 'can be read again');
      // What is remembered of its containers is in force now.
      if (reason) controller().enqueueAll();
    },
    onMistakes: (origin, mistakes) => {
      if (mistakes.length > 0) report.mistakes(origin, mistakes);
      else report.file(origin, 'Normal', 'SpecValid', 'has no mistakes any more');
    },
  });
}

function openController(parts: ControlParts, store: DesiredStore, adopted: readonly AdoptedContainer[]): Controller {
  const { journal, logs, plugins, report, log } = parts;
  const machine = withEffects({ ...parts, logOf: logs.of, pruneLogs: logs.prune, descriptors: new Map() });
  return createController({
    machine,
    store,
    adopted,
    save: (saved, state) => {
      const { id, uid, namespace, name, desired, instance } = saved.context;
      const plugins = [...desired.spec.plugins, ...(instance?.spec.plugins ?? [])];
      journal.save({ id, uid, namespace, name, state, machineVersion, context: saved }, plugins.length > 0);
    },
    cleanUp: async ({ id, uid, namespace, name }, isBack) => {
      report.forget(namespace, name);
      try {
        // What plugins keep goes by the name alone, and may be another's by the next try.
        await tryAgain(() => (isBack() ? undefined : plugins.forget(id)));
        await tryAgain(() => logs.forget(id, uid));
        return true;
      } catch (err) {
        log.warn(
          { err, container: id },
          'what is kept of it could not be removed; hob tries again when it starts anew',
        );
        return false;
      }
    },
    forget: ({ id }) => journal.forget(id),
    recover: (state, context) => recover({ state, context }, parts.runtime, true),
    hooksOf: (id, instanceID) => hooksOf(journal.hookCalls(id, instanceID)),
    report: (container, { severity, reason, message }) => report.container(container, severity, reason, message),
    reportConflict: (rival, owner, key) => {
      const message = `declares ${key}, which ${owner.origin} declared first; ignored until that one lets go`;
      report.file(rival.origin, 'Warning', 'NameTaken', message);
    },
    log,
  });
}
