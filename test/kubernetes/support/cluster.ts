import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeAfterwards } from './bound-process.ts';
import { startControlPlane } from './control-plane.ts';
import { adminToken, powerlessToken, writeKubeconfig } from './kubeconfig.ts';
import type { Credentials } from './kubeconfig.ts';
import { kubectlAs } from './kubectl.ts';
import { untilTrueSoon } from './until-true-soon.ts';
import type { Kubectl } from './kubectl.ts';

const manifests = join(import.meta.dirname, '../../../manifests');

/** A Kubernetes API object, as far as tests look at all of them in the same way. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly resourceVersion?: string };
}

export interface KubernetesEvent extends KubernetesObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count?: number;
  readonly involvedObject: { readonly kind: string; readonly name: string; readonly uid: string };
  readonly source?: { readonly component?: string; readonly host?: string };
}

/** What it takes to talk to a cluster, for another process as well. */
export interface Address {
  readonly dir: string;
  readonly url: string;
  readonly authority: string;
}

/** A real cluster without nodes, as its owner sees it; manifests/crd and manifests/rbac are applied. */
export interface Cluster extends Kubectl {
  readonly address: Address;
  /** Of an admin. */
  readonly kubeconfig: string;
  /** Of somebody known to the cluster, without any rights. */
  readonly powerlessKubeconfig: string;
  /** One for an agent: a token of the ServiceAccount that manifests/rbac makes, read from a file beside it, `NAME.token`. */
  agentKubeconfig(name: string): Promise<string>;
  /** A new token of a ServiceAccount. */
  tokenOf(namespace: string, account: string): Promise<string>;
  /** One for whom you like. */
  kubeconfigFor(name: string, user: Credentials): string;
  /** A namespace that no other test has. */
  newNamespace(): Promise<string>;
  apply(...objects: object[]): Promise<void>;
  /** undefined: it is not there. */
  get<T extends KubernetesObject>(kind: string, name: string, namespace?: string): Promise<T | undefined>;
  /** The events of a namespace; with a name, those about an object of that name. */
  events(namespace: string, about?: string): Promise<KubernetesEvent[]>;
}

/** A cluster of one's own, to do bad things to. */
export interface OwnCluster extends Cluster {
  /** SIGTERM, as at an upgrade. */
  stopServer(): Promise<void>;
  killServer(): Promise<void>;
  /** On the same port, with the same data. */
  startServer(): Promise<void>;
  /** SIGSTOP and SIGCONT: connections stay, and nothing comes of them. */
  suspend(): void;
  resume(): void;
  /** A new start with all history forgotten: whoever asks for what came after an older resourceVersion is answered 410 Gone. */
  compact(): Promise<void>;
  /** End everything, and remove the files. */
  dispose(): Promise<void>;
}

export async function startCluster(): Promise<OwnCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'hob-kubernetes-'));
  removeAfterwards(dir);
  const plane = await startControlPlane(dir).catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const cluster = clusterAt({ dir, url: plane.url, authority: plane.authority });
  const own: OwnCluster = {
    ...cluster,
    stopServer: () => plane.endServer('SIGTERM'),
    killServer: () => plane.endServer('SIGKILL'),
    startServer: plane.startServer,
    suspend: plane.suspendServer,
    resume: plane.resumeServer,
    async compact() {
      await plane.endServer('SIGKILL');
      await plane.compactStore();
      await plane.startServer();
    },
    async dispose() {
      await plane.end();
      rmSync(dir, { recursive: true, force: true });
    },
  };
  await applyManifests(own).catch(async (error: unknown) => {
    await own.dispose();
    throw error;
  });
  return own;
}

/** The cluster behind an address, whoever started it. */
export function clusterAt(address: Address): Cluster {
  const kubeconfigFor = (name: string, user: Credentials): string => {
    const path = join(address.dir, `${name}.kubeconfig`);
    writeKubeconfig(path, address, user);
    return path;
  };
  const kubeconfig = kubeconfigFor('admin', { token: adminToken });
  const kubectl = kubectlAs(kubeconfig);
  const tokenOf = (namespace: string, account: string): Promise<string> => requestToken(kubectl, namespace, account);

  return {
    ...kubectl,
    address,
    kubeconfig,
    powerlessKubeconfig: kubeconfigFor('powerless', { token: powerlessToken }),
    kubeconfigFor,
    async agentKubeconfig(name) {
      const tokenFile = join(address.dir, `${name}.token`);
      writeFileSync(tokenFile, await tokenOf('hob-system', 'hob-agent'), { mode: 0o600 });
      return kubeconfigFor(name, { tokenFile });
    },
    tokenOf,
    async newNamespace() {
      const name = `test-${randomBytes(4).toString('hex')}`;
      await kubectl.kubectl('create', 'namespace', name);
      return name;
    },
    apply: async (...objects) => void (await kubectl.kubectlWith(objects, 'apply')),
    async get<T extends KubernetesObject>(kind: string, name: string, namespace = 'default') {
      const found = await kubectl.kubectl('get', kind, name, '-n', namespace, '--ignore-not-found', '-o', 'json');
      return found === '' ? undefined : (JSON.parse(found) as T);
    },
    async events(namespace, about) {
      const selector = about === undefined ? [] : [`--field-selector=involvedObject.name=${about}`];
      const found = await kubectl.kubectl('get', 'events', '-n', namespace, '-o', 'json', ...selector);
      return (JSON.parse(found) as { items: KubernetesEvent[] }).items;
    },
  };
}

/** As `kubectl create token` does, which kubectl has from 1.24 on. */
async function requestToken({ kubectlWith }: Kubectl, namespace: string, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  const answer = JSON.parse(await kubectlWith([request], 'create', '--raw', path)) as { status: { token: string } };
  return answer.status.token;
}

async function applyManifests({ kubectl }: Kubectl): Promise<void> {
  await kubectl('apply', '-f', join(manifests, 'crd'), '-f', join(manifests, 'rbac'));
  await untilTrueSoon('Containers are served', () => kubectl('get', 'containers.hob.dev').then(() => true));
}
