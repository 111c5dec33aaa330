import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import { ApiError, isConflict, isNotFound, isRefused } from './api-error.ts';
import type { KubeObject } from './resource.ts';

interface LeaseObject extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly renewTime?: string;
  };
}

/** The sign of life of this agent, in the namespace hob-system. */
export interface Lease {
  /** Rejects, with words, while another agent goes by the name of this node. */
  check(): Promise<void>;
  stop(): void;
}

export interface LeaseOptions {
  readonly client: ApiClient;
  readonly node: string;
  /** Tells this agent from another of the same node name; the same after a restart. */
  readonly agentID: string;
  /** Told of each renewal: whether the server answered. */
  readonly onBeat: (answered: boolean) => void;
  /** Another agent has come to go by the name of this node. */
  readonly onRival: () => void;
  /** Told, once, why it cannot be written at all. hob works without. */
  readonly onRefused: (error: unknown) => void;
  /** Between renewals. */
  readonly everyMs?: number;
}

const path = '/apis/coordination.k8s.io/v1/namespaces/hob-system/leases';
const durationSeconds = 40;

/** As kubelets do: one small write every ten seconds, and nothing to read but after somebody else wrote. */
export function keepLease({
  client,
  node,
  agentID,
  onBeat,
  onRival,
  onRefused,
  everyMs = 10_000,
}: LeaseOptions): Lease {
  const ending = new AbortController();
  const name = encodeURIComponent(node);
  let known: LeaseObject | undefined;
  let other: LeaseObject | undefined;
  let isToldOf = false;
  /** The last change of somebody else's lease, and since when it is known. */
  let beat: { readonly mark: string; readonly since: number } | undefined;
  const looked = Promise.withResolvers<void>();

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      await renewOrMeet().then(() => onBeat(true), failed);
      looked.resolve();
      await delay(everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  }

  function failed(error: unknown): void {
    known = undefined;
    onBeat(error instanceof ApiError);
    if (isRefused(error) && !isToldOf) onRefused(error);
    isToldOf = isRefused(error);
  }

  /** Whoever was faster is met by looking once more. */
  async function renewOrMeet(): Promise<void> {
    try {
      await renew();
    } catch (error) {
      if (!isConflict(error)) throw error;
      known = undefined;
      await renew();
    }
  }

  /** With the version that was last seen, so that two agents of one name notice. */
  async function renew(): Promise<void> {
    known ??= await find();
    if (known === undefined) known = await client.create<LeaseObject>(path, { ...asked(), ...head });
    else if (isOthers(known)) return giveWay(known);
    else known = await client.patch<LeaseObject>(`${path}/${name}`, { ...asked(), metadata: versionOf(known) });
    other = undefined;
  }

  function giveWay(to: LeaseObject): void {
    if (other === undefined) onRival();
    [other, known] = [to, undefined];
  }

  const head = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: node, namespace: 'hob-system' },
  };
  const asked = (): object => ({
    spec: { holderIdentity: agentID, leaseDurationSeconds: durationSeconds, renewTime: microTime(Date.now()) },
  });

  async function find(): Promise<LeaseObject | undefined> {
    try {
      return await client.get<LeaseObject>(`${path}/${name}`);
    } catch (error) {
      // Of the lease; where the namespace is missing, making it says so.
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Somebody else renews it, or did not long ago, by this host's clock: theirs may be another. */
  function isOthers({ spec: { holderIdentity = '', renewTime = '' } = {} }: LeaseObject): boolean {
    if (holderIdentity === '' || holderIdentity === agentID) return false;
    const mark = `${holderIdentity} ${renewTime}`;
    if (beat?.mark !== mark) beat = { mark, since: performance.now() };
    return performance.now() - beat.since < durationSeconds * 1000;
  }

  void run();
  return {
    check: async () => {
      await looked.promise;
      if (other === undefined || !isOthers(other)) return;
      throw new Error(
        `another hob goes by the node name ${node} (agent ${other.spec?.holderIdentity}): give each its own with --node-name; ` +
          `if that one is gone for good, this one goes on after ${durationSeconds} s without a sign of it`,
      );
    },
    stop: () => {
      ending.abort();
      looked.resolve();
    },
  };
}

const versionOf = ({ metadata: { resourceVersion } }: KubeObject): object => ({ resourceVersion });

/** As Kubernetes writes the times of leases: with microseconds. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');
