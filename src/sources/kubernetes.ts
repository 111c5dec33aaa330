import { wordsOf } from '../host/errors.ts';
import { apiClient } from './kubernetes/api-client.ts';
import { isForbidden, isNotFound, isUnauthorized, Unreachable } from './kubernetes/api-error.ts';
import { clusterCheck, type ClusterMemory } from './kubernetes/cluster.ts';
import type { KubeconfigFile } from './kubernetes/credentials/credentials.ts';
import { keepCredentials } from './kubernetes/credentials/keep.ts';
import { readCredentials } from './kubernetes/credentials/read.ts';
import { eventTeller, type Happening } from './kubernetes/events.ts';
import { keepLease } from './kubernetes/lease.ts';
import { followNodeLabels, type Labels } from './kubernetes/node-labels.ts';
import { reflect } from './kubernetes/reflector.ts';
import { collectionPath, keyOf, placementOf, type ContainerResource } from './kubernetes/resource.ts';
import { followResources } from './kubernetes/resources.ts';
import type { Here } from './kubernetes/resources-options.ts';
import { resourceWrites } from './kubernetes/writes.ts';
import { belongsTo } from '../api/placement.ts';
import type { Source, SourceSink } from './source.ts';

export const kubernetesSourceName = 'kubernetes';

/** Containers of an API server that are this node's, and what becomes of them told to it. */
export interface KubernetesSource extends Source {
  /** Something of the container with this key has changed here: its status goes to the server. */
  changed(key: string): void;
  /** Something happened to it. */
  happened(key: string, happening: Happening): void;
  /** hob tears everything down: resolves when no resource is this node's any more. */
  letGo(): Promise<void>;
}

export interface KubernetesOptions {
  readonly kubeconfig: KubeconfigFile;
  /** Only Containers of this namespace; undefined: of all. */
  readonly namespace?: string | undefined;
  /** A label selector: only Containers that it matches. */
  readonly selector?: string | undefined;
  /** The cluster that the operator says it is; undefined: the one of before. */
  readonly cluster?: string | undefined;
  readonly node: { readonly name: string; readonly labels: Labels };
  /** Tells this agent from others, for good. */
  readonly agentID: string;
  readonly look: (key: string) => Here;
  /** The keys of all containers that came from an API server. */
  readonly held: () => readonly string[];
  readonly memory: {
    readonly cluster: ClusterMemory;
    readonly nodeLabels: { get(): Labels | undefined; set(labels: Labels): void };
  };
  /** Told what people should know: `reason`, and words. */
  readonly report: (type: Happening['type'], reason: string, message: string) => void;
}

/**
 * The source that is a Kubernetes API server. Of what it lists, this node takes on what is meant for it (`part.ts`), and writes back what
 * becomes of it (`resources.ts`). What cannot be read stays as it is.
 */
export function kubernetesSource(options: KubernetesOptions): KubernetesSource {
  let running: Running | undefined;
  return {
    name: kubernetesSourceName,
    start: async (sink) => void (running = run(options, sink)),
    stop: async () => running?.stop(),
    changed: (key) => running?.changed(key),
    happened: (key, happening) => running?.happened(key, happening),
    letGo: async () => running?.letGo(),
  };
}

type Running = Pick<KubernetesSource, 'stop' | 'changed' | 'happened' | 'letGo'>;

function run(options: KubernetesOptions, sink: SourceSink): Running {
  const { node, look, held, memory, report, namespace, selector } = options;
  const client = apiClient(keepCredentials(() => readCredentials(options.kubeconfig)));
  const events = eventTeller(client, node.name);
  const checkCluster = clusterCheck(client, memory.cluster, held, options.cluster);
  let isLeaving = false;

  const labels = followNodeLabels({
    client,
    node: node.name,
    memory: memory.nodeLabels,
    mayRead: checkCluster,
    onChange: () => {
      resources.changedAll();
      reflector.readAnew();
    },
    onForbidden: (error) =>
      report(
        'Warning',
        'NodeLabelsUnknown',
        `of the labels of the Node ${node.name} those count that were last known: ${wordsOf(error)}`,
      ),
  });
  const isMeant = (resource: ContainerResource): boolean =>
    !isLeaving && belongsTo(placementOf(resource), { name: node.name, labels: { ...labels.get(), ...node.labels } });

  const resources = followResources({
    node: node.name,
    writes: resourceWrites(client),
    sink,
    look,
    held,
    isMeant,
    onWriteFault: (key, message) => report('Warning', 'KubernetesWriteFailed', `${key}: ${message}`),
    onMissing: () => reflector.readAnew(),
    onWaiting: (resource, other) => events.tell(resource, waiting(resource, other)),
  });

  const lease = keepLease({
    client,
    node: node.name,
    agentID: options.agentID,
    // A server that does not answer says nothing on the watches either.
    onBeat: (answered) => {
      if (!answered) for (const part of [reflector, labels]) part.suspect();
    },
    // To read nothing more, as long as that is so.
    onRival: () => reflector.readAnew(),
    onRefused: (error) => report('Warning', 'NoLease', `goes on without a lease in hob-system: ${wordsOf(error)}`),
  });
  const availability = tellAvailability(sink);
  const synced = Promise.withResolvers<void>();
  let isSynced = false;

  const reflector = reflect<ContainerResource>({
    client,
    path: collectionPath(namespace),
    query: { labelSelector: selector },
    keyOf,
    mayRead: async () => {
      await checkCluster();
      await lease.check();
      await labels.check();
    },
    sink: {
      seen: (resource, by) => resources.seen(resource, by),
      deleted: (resource) => resources.deleted(resource),
      listed: (keys) => {
        resources.listed(keys);
        if (!isSynced) sink.synced();
        isSynced = true;
        synced.resolve();
      },
      unavailable: (error) => {
        // What could not be written may be written now.
        if (availability.tell(error)) resources.changedAll();
      },
    },
  });

  return {
    stop: async () => {
      for (const part of [reflector, lease, labels, events]) part.stop();
      // What is being written is written by the next hob, if it is still so: nobody who ends waits for a server.
      client.close();
      await resources.stop();
    },
    changed: (key) => resources.changed(key),
    happened: (key, happening) => {
      const resource = resources.get(key);
      // Of a container by the same name that a file declares it would be the wrong news.
      if (resource && look(key).rival === undefined) events.tell(resource, happening);
    },
    letGo: async () => {
      isLeaving = true;
      resources.changedAll();
      // Before all was read nobody knows what there is to let go of.
      await synced.promise;
      await resources.allLeft();
    },
  };
}

/** Says what has changed, once. `tell` answers whether the server can be read again. */
function tellAvailability(sink: Pick<SourceSink, 'unavailable'>): { tell(error: unknown): boolean } {
  let told: string | undefined;
  return {
    tell: (error) => {
      const reason = error === undefined ? undefined : whyUnavailable(error);
      const kind = error instanceof Unreachable ? 'unreachable' : reason;
      if (kind === told) return false;
      told = kind;
      sink.unavailable(reason);
      return reason === undefined;
    },
  };
}

function whyUnavailable(error: unknown): string {
  const words = wordsOf(error);
  if (isUnauthorized(error))
    return `the API server does not know who this is (${words}): the token has expired, or the kubeconfig is for another cluster`;
  if (isForbidden(error)) return `${words}; manifests/rbac has the rights that hob needs`;
  if (isNotFound(error)) return `the API server has no Containers (${words}); kubectl apply -f manifests/crd`;
  return words;
}

const waiting = ({ metadata: { name, namespace } }: ContainerResource, other: string): Happening => ({
  type: 'Warning',
  reason: 'WaitingForNode',
  message:
    `its spec names this node, and node ${other} has not let go of it; if that node is gone for good: ` +
    `kubectl patch containers.hob.dev -n ${namespace} ${name} --subresource=status --type=merge -p '{"status":{"nodeName":null}}'`,
});
