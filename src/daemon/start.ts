import manifest from '../../package.json' with { type: 'json' };
import { createController } from '../controller/controller.ts';
import type { AdoptedContainer, Controller } from '../controller/controller.ts';
import { createDesiredStore } from '../controller/desired-store.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import type { NamespaceEntry } from '../host/mount-namespace.ts';
import { withEffects } from '../lifecycle/effects.ts';
import { recover } from '../lifecycle/recover.ts';
import { appliedSource } from '../sources/applied.ts';
import { directorySource } from '../sources/directory.ts';
import { machineVersion } from '../../machines/context.ts';
import { adopt, rememberBoot, served } from './adopt.ts';
import { serveApi } from './api/server.ts';
import { createBackend } from './backend.ts';
import { cgroupParentOf, configurer } from './configure.ts';
import { watchFileAccess } from './file-access.ts';
import { hooksOf } from './hook-status.ts';
import type { DaemonOptions } from './options.ts';
import { openParts } from './parts.ts';
import type { Parts } from './parts.ts';
import type { Reporter } from './reporter.ts';
import { tearDown } from './tear-down.ts';

export interface Daemon {
  /** Stop deciding and let go of everything; the containers stay as they are. */
  stop(): Promise<void>;
  /** Resolves when it has been stopped, from inside or outside. */
  readonly stopped: Promise<void>;
}

/**
 * The composition root: every part is made from the bottom up and told of the others. What an earlier hob left is adopted
 * before any source is read, so that what is found and what is wanted meet in the controller.
 */
export async function startDaemon(options: DaemonOptions, namespace: NamespaceEntry): Promise<Daemon> {
  // Until there is a screen, people get plain lines.
  const output = { log: (line: string): void => void process.stdout.write(`${line}\n`), close: (): void => undefined };
  const parts = await openParts(options, options.openScreen && ((line) => output.log(line)));
  const { places, log, report, plugins } = parts;
  if (namespace.sentence)
    report.hob(namespace.kind === 'entered' ? 'Normal' : 'Warning', 'MountNamespace', namespace.sentence);

  const adopted = await adopt(parts);
  plugins.adopt(served(adopted));
  const applied = appliedSource(places.applied);
  const watched = options.watch.map((path) => directorySource({ path, log }));
  const sources = options.tearDown ? [] : [applied, ...watched];
  const names = sources.map(({ name }) => name);
  const store: DesiredStore = openStore(names, adopted, report, () => controller);
  const controller = openController(parts, options, store, adopted);
  rememberBoot(parts.journal);
  plugins.onChange(() => controller.pluginsChanged());

  const stopped = Promise.withResolvers<void>();
  const inThisProcess = (): string[] => plugins.list().flatMap(({ kind, name }) => (kind === 'module' ? [name] : []));
  const unwatchFileAccess = watchFileAccess(report, inThisProcess);
  const stop = shared(async () => {
    unwatchFileAccess();
    await controller.stop();
    await Promise.all(sources.map((source) => source.stop()));
    await api.close();
    output.close();
    await parts.close(controller.list().length === 0);
    stopped.resolve();
  });
  const down = async function* (): ReturnType<typeof tearDown> {
    yield* tearDown(controller, store);
    setImmediate(() => void stop());
  };
  const inNamespace = namespace.kind === 'entered';
  const backend = createBackend({
    ...parts,
    options,
    controller,
    store,
    applied,
    inNamespace,
    version: manifest.version,
    down,
  });
  const api = await serveApi({ socketPath: places.socket, backend, log });
  if (options.tearDown) for await (const { message } of down()) log.info(message);
  else if (options.openScreen) Object.assign(output, options.openScreen(screenSource(controller, store, report)));
  await Promise.all(sources.map((source) => source.start(store.sinkFor(source.name))));
  return { stop, stopped: stopped.promise };
}

const screenSource = (
  controller: Controller,
  store: DesiredStore,
  report: Reporter,
): Parameters<NonNullable<DaemonOptions['openScreen']>>[0] => ({
  containers: () => controller.list(),
  lastEvent: (namespace, name) => report.last(namespace, name),
  mistakes: () => store.sources().flatMap(({ mistakes }) => mistakes),
  onChange: (listener) => controller.watch(listener),
});

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
    },
    onMistakes: (origin, mistakes) => {
      if (mistakes.length > 0) report.mistakes(origin, mistakes);
      else report.file(origin, 'Normal', 'SpecValid', 'has no mistakes any more');
    },
  });
}

function openController(
  parts: Parts,
  { runDir }: DaemonOptions,
  store: DesiredStore,
  adopted: readonly AdoptedContainer[],
): Controller {
  const { journal, logs, plugins, report, log } = parts;
  const machine = withEffects({
    ...parts,
    configure: configurer(cgroupParentOf(runDir), (message) => report.hob('Warning', 'NoSeccompProfile', message)),
    logOf: logs.of,
    pruneLogs: logs.prune,
    descriptors: new Map(),
  });
  return createController({
    machine,
    store,
    adopted,
    save: (saved, state) => {
      const { id, uid, namespace, name, desired, instance } = saved.context;
      const plugins = [...desired.spec.plugins, ...(instance?.spec.plugins ?? [])];
      journal.save({ id, uid, namespace, name, state, machineVersion, context: saved }, plugins.length > 0);
    },
    forget: ({ id, uid, namespace, name }) => {
      report.forget(namespace, name);
      journal.forget(id);
      plugins.forget(id);
      logs.forget(id, uid).catch((err: unknown) => log.warn({ err, container: id }, 'its logs could not be removed'));
    },
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

/** The first call counts; the others get its promise. */
function shared<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= action());
}
