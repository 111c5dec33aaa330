import { randomUUID } from 'node:crypto';
import type { Controller } from '../controller/controller.ts';
import { key as keyOf } from '../api/container.ts';
import type { DesiredStore } from '../controller/desired-store.ts';
import type { Journal } from '../journal/journal.ts';
import { kubernetesSource, kubernetesSourceName } from '../sources/kubernetes.ts';
import type { KubernetesOptions, KubernetesSource } from '../sources/kubernetes.ts';
import type { DaemonOptions, KubernetesPlace } from './options.ts';
import type { Reporter } from './reporter.ts';

/** The source, and how it is told of what happens here. */
export interface Kubernetes extends KubernetesSource {
  /** @returns how to stop */
  tellOf(controller: Controller, report: Reporter): () => void;
}

export interface KubernetesParts {
  readonly options: Pick<DaemonOptions, 'node'>;
  readonly place: KubernetesPlace;
  readonly journal: Journal;
  readonly report: Reporter;
  /** They come after the source: it is among what they are made from. */
  readonly control: () => { readonly controller: Controller; readonly store: DesiredStore };
}

/** The API server as a source, with what becomes of its containers told to it. */
export function openKubernetes({ options, place, journal, report, control }: KubernetesParts): Kubernetes {
  const source = kubernetesSource({
    kubeconfig: place.kubeconfig,
    namespace: place.namespace,
    selector: place.selector,
    cluster: place.cluster,
    node: options.node,
    agentID: remembered(journal, 'agentID', randomUUID),
    look: (key) => look(control(), key),
    held: () => heldKeys(control().controller),
    memory: memoryIn(journal),
    report: (type, reason, message) => report.source(kubernetesSourceName, type, reason, message),
  });
  return { ...source, tellOf: (controller, reporter) => tellOf(source, controller, reporter) };
}

/** All that happens to containers is told: the source knows which of them are its own. */
function tellOf(source: KubernetesSource, controller: Controller, report: Reporter): () => void {
  const unwatchContainers = controller.watch(({ object }) => source.changed(keyOf(object.metadata)));
  const unwatchEvents = report.watch(({ type, reason, message, regarding: { namespace, name } }) => {
    if (namespace !== undefined) source.happened(keyOf({ namespace, name }), { type, reason, message });
  });
  return () => {
    unwatchContainers();
    unwatchEvents();
  };
}

function look(
  { controller, store }: ReturnType<KubernetesParts['control']>,
  key: string,
): ReturnType<KubernetesOptions['look']> {
  const owner = store.claimOf(key) ?? controller.claimOf(key);
  if (owner === undefined) return {};
  return owner.source === kubernetesSourceName ? { container: controller.get(key) } : { rival: owner.origin };
}

const heldKeys = (controller: Controller): string[] =>
  controller
    .list()
    .map(({ metadata }) => keyOf(metadata))
    .filter((key) => controller.claimOf(key)?.source === kubernetesSourceName);

function memoryIn(journal: Journal): KubernetesOptions['memory'] {
  return {
    cluster: { get: () => journal.fact('cluster'), set: (id) => journal.setFact('cluster', id) },
    nodeLabels: {
      get: () => {
        const text = journal.fact('nodeLabels');
        return text === undefined ? undefined : (JSON.parse(text) as Record<string, string>);
      },
      set: (labels) => journal.setFact('nodeLabels', JSON.stringify(labels)),
    },
  };
}

function remembered(journal: Journal, name: string, make: () => string): string {
  const known = journal.fact(name);
  if (known !== undefined) return known;
  const made = make();
  journal.setFact(name, made);
  return made;
}
