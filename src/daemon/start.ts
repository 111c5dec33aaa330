import manifest from '../../package.json' with { type: 'json' };
import type { Controller } from '../controller/controller.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import type { NamespaceEntry } from '../host/mount-namespace.ts';
import { appliedSource } from '../sources/applied.ts';
import type { SourceSink } from '../sources/source.ts';
import { directorySource } from '../sources/directory.ts';
import { forThisNode } from '../sources/for-this-node.ts';
import { serveApi } from './api/server.ts';
import { createBackend } from './backend.ts';
import { cgroupParentOf, configurer } from './configure.ts';
import { takeControl } from './control.ts';
import type { Control } from './control.ts';
import { watchDrift } from './drift.ts';
import { watchFileAccess } from './file-access.ts';
import type { Kubernetes, KubernetesParts } from './kubernetes.ts';
import type { DaemonOptions } from './options.ts';
import { openParts } from './parts.ts';
import type { Reporter } from './reporter.ts';
import { tearDown } from './tear-down.ts';

export interface Daemon {
  /** Stop deciding and let go of everything; the containers stay as they are. */
  stop(): Promise<void>;
  /** Resolves when it has been stopped, from inside or outside. */
  readonly stopped: Promise<void>;
}

/**
 * The composition root: every part is made from the bottom up and told of the others. What decides comes before any source is read.
 */
export async function startDaemon(options: DaemonOptions, namespace: NamespaceEntry): Promise<Daemon> {
  // Until there is a screen, people get plain lines.
  const output = { log: (line: string): void => void process.stdout.write(`${line}\n`), close: (): void => undefined };
  const parts = await openParts(options, options.openScreen && ((line) => output.log(line)));
  const { places, log, report, plugins } = parts;
  if (namespace.sentence)
    report.hob(namespace.kind === 'entered' ? 'Normal' : 'Warning', 'MountNamespace', namespace.sentence);

  const applied = appliedSource(places.applied, (file, message) =>
    report.file(file, 'Warning', 'AppliedByHand', message),
  );
  const watched = options.watch.map((path) => directorySource({ path, log }));
  const kubernetes = await openKubernetesIfAsked(options, { ...parts, control: () => control });
  const local = options.tearDown ? [] : [applied, ...watched];
  const sources = [...local, ...(kubernetes ? [kubernetes] : [])];
  const names = sources.map(({ name }) => name);
  const cgroupParent = cgroupParentOf(options.runDir);
  const configure = configurer(cgroupParent, (message) => report.hob('Warning', 'NoSeccompProfile', message));
  const control: Control = await takeControl({ ...parts, configure }, names);
  const { controller, store } = control;
  const untellKubernetes = kubernetes?.tellOf(controller, report);

  const unwatchDrift = watchDrift({ ...parts, controller });
  const stopped = Promise.withResolvers<void>();
  const inThisProcess = (): string[] => plugins.list().flatMap(({ kind, name }) => (kind === 'module' ? [name] : []));
  const unwatchFileAccess = watchFileAccess(report, inThisProcess);
  const stop = shared(async () => {
    unwatchFileAccess();
    unwatchDrift();
    untellKubernetes?.();
    await control.stop();
    await Promise.all(sources.map((source) => source.stop()));
    await api.close();
    output.close();
    await parts.close(controller.list().length === 0);
    stopped.resolve();
  });
  const down = async function* (): ReturnType<typeof tearDown> {
    yield* tearDown(controller, store, kubernetes);
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
  const api = await serveApi({
    socketPath: places.socket,
    backend,
    log,
    onSocketRestored: (message) => report.hob('Warning', 'SocketRestored', message),
  });
  if (options.tearDown) for await (const { message } of down()) log.info(message);
  else if (options.openScreen) Object.assign(output, options.openScreen(screenSource(controller, store, report)));
  const sinkFor = (name: string): SourceSink => forThisNode(store.sinkFor(name), options.node, report.forAnotherNode);
  await Promise.all(local.map((source) => source.start(sinkFor(source.name))));
  await kubernetes?.start(store.sinkFor(kubernetes.name));
  return { stop, stopped: stopped.promise };
}

/** Loaded only when it is asked for. */
async function openKubernetesIfAsked(
  options: DaemonOptions,
  parts: Omit<KubernetesParts, 'options' | 'place'>,
): Promise<Kubernetes | undefined> {
  const { kubernetes: place, tearDown: isLast } = options;
  if (!place || isLast) return undefined;
  const { openKubernetes } = await import('./kubernetes.ts');
  return openKubernetes({ ...parts, options, place });
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

/** The first call counts; the others get its promise. */
function shared<T>(action: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= action());
}
