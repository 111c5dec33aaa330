import { containerID, key as keyOf } from '../api/container.ts';
import type { Container } from '../api/container.ts';
import { parseSpecs } from '../api/parse.ts';
import { belongsTo } from '../api/placement.ts';
import type { ApplyResult, DownProgress } from '../api/wire.ts';
import { contentHash } from '../api/hash.ts';
import type { Controller } from '../controller/controller.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import type { Journal } from '../journal/journal.ts';
import { execCommand } from '../runtime/exec-command.ts';
import { appliedSourceName } from '../sources/applied.ts';
import type { AppliedSource } from '../sources/applied.ts';
import { isResource } from '../sources/kubernetes/resource.ts';
import { conflict } from './api/backend.ts';
import type { ApiBackend } from './api/backend.ts';
import { hooksOf } from './hook-status.ts';
import type { InstanceLogs } from './instance-logs.ts';
import type { DaemonOptions, Places } from './options.ts';
import { recordSource } from './plugin-records.ts';
import type { Plugins } from './plugins.ts';
import type { Reporter } from './reporter.ts';

interface BackendParts {
  readonly options: DaemonOptions;
  readonly places: Places;
  readonly controller: Controller;
  readonly store: DesiredStore;
  readonly journal: Journal;
  readonly report: Reporter;
  readonly applied: AppliedSource;
  readonly logs: InstanceLogs;
  readonly plugins: Pick<Plugins, 'list' | 'whyMissing'>;
  /** hob left the host's mount namespace, so whoever wants to run crun has to follow it. */
  readonly inNamespace: boolean;
  readonly version: string;
  readonly down: () => AsyncIterable<DownProgress>;
}

/** What the API answers: the controller's view of things, and the few things that people can ask of hob directly. */
export function createBackend(parts: BackendParts): ApiBackend {
  const { controller, store, journal, report, options } = parts;
  const startedAt = new Date().toISOString();
  return {
    list: (namespace) => controller.list().filter(({ metadata }) => !namespace || metadata.namespace === namespace),
    get: (namespace, name) => withHooksOfNow(journal, controller.get(keyOf({ namespace, name }))),
    watch: (listener) => controller.watch(listener),
    events: (filter) => journal.events(filter),
    watchEvents: (listener) => report.watch(listener),
    logSource: (namespace, name, { previous }) => {
      const container = controller.get(keyOf({ namespace, name }));
      if (!container) throw conflict(`container "${name}" is gone`);
      return parts.logs.source(container, containerID({ namespace, name }), previous);
    },
    recordSource: (namespace, name, plugin, { follow }) => {
      const container = controller.get(keyOf({ namespace, name }));
      if (!container) throw conflict(`container "${name}" is gone`);
      return recordSource(parts.places.pluginState, parts.plugins.list(), container, plugin, follow);
    },
    execCommand: (namespace, name, request) => {
      requireRunning(controller.get(keyOf({ namespace, name })), name);
      const argv = execCommand({ runDir: options.runDir, id: containerID({ namespace, name }), ...request });
      return { argv, ...(parts.inNamespace && { mountNamespacePid: process.pid }) };
    },
    apply: (text, origin) => apply(parts, text, origin),
    remove: (namespace, name) => remove(parts, namespace, name),
    plugins: () => parts.plugins.list(),
    whyNoPlugin: (name) => parts.plugins.whyMissing(name),
    sources: () => store.sources(),
    info: () => ({
      version: parts.version,
      pid: process.pid,
      node: options.node.name,
      startedAt,
      stateDir: options.stateDir,
      runDir: options.runDir,
    }),
    down: parts.down,
  };
}

/** A view is as old as the machine's last step; in the middle of a hook point that is some calls ago. */
function withHooksOfNow(journal: Journal, container: Container | undefined): Container | undefined {
  const { hooks, instanceID } = container?.status ?? {};
  if (!container || !hooks || instanceID === undefined) return container;
  const calls = journal.hookCalls(containerID(container.metadata), instanceID);
  return { ...container, status: { ...container.status, hooks: hooksOf(calls) } };
}

function requireRunning(container: Container | undefined, name: string): void {
  const phase = container?.status?.phase;
  if (phase !== 'Running') throw conflict(`container "${name}" does not run: its phase is ${phase ?? 'unknown'}`);
}

/** All documents of the text or, when one of them has mistakes, none. */
async function apply(parts: BackendParts, text: string, origin: string): Promise<ApplyResult[]> {
  const { containers, mistakes } = parseSpecs(text, origin);
  if (mistakes.length > 0) return [{ outcome: 'invalid', mistakes }];
  const results: ApplyResult[] = [];
  for (const container of containers) results.push(await applyOne(parts, container));
  return results;
}

async function applyOne({ store, applied, options }: BackendParts, container: Container): Promise<ApplyResult> {
  const { namespace, name } = container.metadata;
  const present = store.get(keyOf({ namespace, name }));
  if (present && present.claim.source !== appliedSourceName)
    return {
      outcome: 'refused',
      namespace,
      name,
      message: isResource(present.claim.origin)
        ? `it is ${present.claim.origin} of the API server: change it there, with kubectl`
        : `it is declared in ${present.claim.origin}: change that file`,
    };
  const { spec, metadata } = container;
  if (!belongsTo(spec, options.node))
    return {
      outcome: 'refused',
      namespace,
      name,
      message: `it is for another node than this, which is ${options.node.name}`,
    };
  const hash = contentHash({ spec, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} });
  if (present?.contentHash === hash) return { outcome: 'unchanged', namespace, name };
  await applied.put(container);
  return { outcome: present ? 'configured' : 'created', namespace, name };
}

async function remove({ store, applied }: BackendParts, namespace: string, name: string): Promise<void> {
  const claim = store.get(keyOf({ namespace, name }))?.claim;
  if (!claim)
    throw conflict(`container "${name}" is being removed already, or the source that declares it cannot be read`);
  if (isResource(claim.origin))
    throw conflict(`container "${name}" is ${claim.origin} of the API server: delete it there, with kubectl`);
  if (claim.source !== appliedSourceName)
    throw conflict(
      `container "${name}" is declared in ${claim.origin}: remove that file, and the container goes with it`,
    );
  await applied.remove({ namespace, name });
}
