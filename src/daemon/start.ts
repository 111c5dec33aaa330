import { mkdirSync } from 'node:fs';
import type { Logger } from 'pino';
import manifest from '../../package.json' with { type: 'json' };
import { createController } from '../controller/controller.ts';
import type { AdoptedContainer, Controller } from '../controller/controller.ts';
import { createDesiredStore } from '../controller/desired-store.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import { lockDirectory } from '../host/lock.ts';
import type { NamespaceEntry } from '../host/mount-namespace.ts';
import type { Journal } from '../journal/journal.ts';
import { openJournal } from '../journal/sqlite.ts';
import { withEffects } from '../lifecycle/effects.ts';
import type { LifecycleParts } from '../lifecycle/parts.ts';
import { createRootfs } from '../rootfs/rootfs.ts';
import { createCrunRuntime } from '../runtime/crun.ts';
import { connectKeeper } from '../runtime/keeper-client.ts';
import { appliedSource } from '../sources/applied.ts';
import { directorySource } from '../sources/directory.ts';
import type { Source } from '../sources/source.ts';
import { machineVersion } from '../../machines/context.ts';
import { adopt } from './adopt.ts';
import { serveApi } from './api-server.ts';
import { createBackend } from './backend.ts';
import { cgroupParentOf, configurer } from './configure.ts';
import { hooksOf } from './hook-status.ts';
import { instanceLogs } from './instance-logs.ts';
import type { InstanceLogs } from './instance-logs.ts';
import { createLog } from './log.ts';
import { placesIn } from './options.ts';
import type { DaemonOptions, Screen } from './options.ts';
import { startPlugins } from './plugins.ts';
import { createReporter } from './reporter.ts';
import type { Reporter } from './reporter.ts';
import { tearDown } from './tear-down.ts';

export interface Daemon {
  /** Stop deciding and let go of everything; the containers stay as they are. */
  stop(): Promise<void>;
  /** Resolves when it has been stopped, from inside or outside. */
  readonly stopped: Promise<void>;
}

/**
 * The composition root: every part is made here, from the bottom up, and told of the others. What an earlier hob left is
 * adopted before any source is read, so that what is found and what is wanted meet in the controller.
 */
export async function startDaemon(options: DaemonOptions, namespace: NamespaceEntry): Promise<Daemon> {
  const { stateDir, runDir } = options;
  const unlockState = lockDirectory(stateDir);
  const unlockRun = lockDirectory(runDir);
  const places = placesIn(options);
  for (const directory of [places.logs, places.overlays, places.pluginState])
    mkdirSync(directory, { recursive: true, mode: 0o700 });

  let screen: Screen | undefined;
  const log = createLog(options.logLevel, options.openScreen && ((line) => screen?.log(line)));
  const journal = openJournal({ path: places.journal, log });
  const report = createReporter(journal, log);
  if (namespace.sentence)
    report.hob(namespace.kind === 'entered' ? 'Normal' : 'Warning', 'MountNamespace', namespace.sentence);

  const keeper = await connectKeeper({ runDir, log });
  const cgroupParent = cgroupParentOf(runDir);
  const runtime = await createCrunRuntime({ runDir, keeper, log, cgroupParent });
  const rootfs = createRootfs({ overlaysDir: places.overlays });
  const logs = instanceLogs(places.logs);
  const plugins = await startPlugins({
    folders: pluginFolders(options, journal),
    places,
    keeper,
    journal,
    log,
    report,
  });

  const adopted = await adopt({ journal, runtime, rootfs, report });
  const applied = appliedSource(places.applied);
  const watched = options.watch.map((path) => directorySource({ path, log }));
  const sources: Source[] = options.tearDown ? [] : [applied, ...watched];
  const store = openStore(sources, adopted, report, () => controller);
  const parts: LifecycleParts = {
    runtime,
    rootfs,
    plugins,
    configure: configurer(cgroupParent, (message) => report.hob('Warning', 'NoSeccompProfile', message)),
    logOf: logs.of,
    pruneLogs: logs.prune,
    descriptors: new Map(),
    log,
  };
  const controller = openController({ parts, store, adopted, journal, logs, report, log });
  plugins.onChange(() => controller.pluginsChanged());
  screen = options.openScreen?.({
    containers: () => controller.list(),
    lastEvent: (namespace, name) => report.last(namespace, name),
    onChange: (listener) => controller.watch(listener),
  });

  const stopped = Promise.withResolvers<void>();
  const stop = once(async () => {
    await Promise.all(sources.map((source) => source.stop()));
    await api.close();
    await controller.stop();
    await plugins.close();
    await runtime.close();
    await keeper.close();
    journal.close();
    screen?.close();
    unlockRun();
    unlockState();
    stopped.resolve();
  });
  const down = async function* () {
    yield* tearDown(controller, store);
    setImmediate(() => void stop());
  };
  const backend = createBackend({
    options,
    controller,
    store,
    journal,
    report,
    applied,
    logs,
    plugins: plugins.list,
    inNamespace: namespace.kind === 'entered',
    version: manifest.version,
    down,
  });
  const api = await serveApi({ socketPath: places.socket, backend, log });

  if (options.tearDown) for await (const { message } of down()) log.info(message);
  await Promise.all(sources.map((source) => source.start(store.sinkFor(source.name))));
  return { stop, stopped: stopped.promise };
}

/** Whoever tears down what an earlier hob left needs the plugins that this one had. */
function pluginFolders({ tearDown, plugins }: DaemonOptions, journal: Journal): readonly string[] {
  if (!tearDown) journal.setFact('pluginFolders', JSON.stringify(plugins));
  return tearDown ? (JSON.parse(journal.fact('pluginFolders') ?? '[]') as string[]) : plugins;
}

function openStore(
  sources: readonly Source[],
  adopted: readonly AdoptedContainer[],
  report: Reporter,
  controller: () => Controller,
): DesiredStore {
  return createDesiredStore({
    sources: sources.map(({ name }) => name),
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
    },
    onMistakes: (origin, mistakes) => {
      if (mistakes.length > 0) report.mistakes(origin, mistakes);
      else report.file(origin, 'Normal', 'SpecValid', 'has no mistakes any more');
    },
  });
}

interface ControllerParts {
  readonly parts: LifecycleParts;
  readonly store: DesiredStore;
  readonly adopted: readonly AdoptedContainer[];
  readonly journal: Journal;
  readonly logs: InstanceLogs;
  readonly report: Reporter;
  readonly log: Logger;
}

function openController({ parts, store, adopted, journal, logs, report, log }: ControllerParts): Controller {
  return createController({
    machine: withEffects(parts),
    store,
    adopted,
    save: (saved, state) => {
      const { id, uid, namespace, name } = saved.context;
      journal.save({ id, uid, namespace, name, state, machineVersion, context: saved });
    },
    forget: (id) => {
      journal.forget(id);
      logs.forget(id).catch((err: unknown) => log.warn({ err, container: id }, 'its logs could not be removed'));
    },
    hooksOf: (id, instanceID) => hooksOf(journal.hookCalls(id, instanceID)),
    report: (container, { severity, reason, message }) => report.container(container, severity, reason, message),
    reportConflict: (rival, owner, key) => {
      const message = `declares ${key}, which ${owner.origin} declared first; ignored until that one lets go`;
      report.file(rival.origin, 'Warning', 'NameTaken', message);
    },
    log,
  });
}

/** The first call counts; the others get its promise. */
function once<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= action());
}
