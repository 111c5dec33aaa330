import type { HookPoint } from '../hooks/plugin.ts';

/** One container as the journal keeps it: the machine's state and its context, both plain JSON. */
export interface ContainerRecord {
  readonly id: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** The lifecycle machine's state as a dotted path: `alive.running`. */
  readonly state: string;
  /** Which shape `context` has; see `machines/container.ts`. */
  readonly machineVersion: number;
  readonly context: unknown;
}

/** One call of one hook. `endedAt` is undefined while it runs, or when hob died during it. */
export interface HookCall {
  readonly containerID: string;
  readonly instanceID: string;
  readonly point: HookPoint;
  readonly plugin: string;
  /** Of the plugin's files. Undefined for a call by a hob that did not record it. */
  readonly version?: string;
  readonly attempt: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly outcome?: 'ok' | 'failed';
  /** CamelCase, for a failure: HookFailed, HookTimedOut, PluginCrashed, PluginNotFound. */
  readonly reason?: string;
  readonly message?: string;
  readonly durationMs?: number;
}

/** A Kubernetes-style event. Same container, reason and message within the ring: `count` goes up, `lastSeen` moves. */
export interface JournalEvent {
  readonly sequence: number;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  /** What it is about: a container (`namespace/name`), a file, a source, hob itself. */
  readonly regarding: {
    readonly kind: 'Container' | 'File' | 'Source' | 'Plugin' | 'Hob';
    readonly name: string;
    readonly namespace?: string;
  };
  readonly count: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

export type NewEvent = Pick<JournalEvent, 'type' | 'reason' | 'message' | 'regarding'>;

/** Something that became of the journal while hob was dead. */
export interface JournalNews {
  /** JournalLost, JournalBehind, JournalElsewhere. */
  readonly reason: string;
  readonly message: string;
}

/**
 * The embedded database with the observed state, with a copy of its containers and facts in the run directory, so that losing it costs no
 * container. When a call returns, hob's death cannot lose what it wrote, and neither can a power cut,
 * but for events, for containers without plugins, and for hook calls: that a container came to a hook point is in its own record, so hooks whose
 * calls are lost are called again, as if for the first time.
 */
export interface Journal {
  /** What people have to be told of it, now that it is open. */
  readonly news: readonly JournalNews[];

  containers(): ContainerRecord[];
  /**
   * @param owesHooks plugins take part in the container, so that not even a power cut may lose the record: their teardown hooks are
   * owed after it. Without them nothing is, since the container itself is gone then, and the write need not wait for the disk.
   */
  save(record: ContainerRecord, owesHooks: boolean): void;
  /** Forget a container and its hook calls (events stay in their ring). */
  forget(id: string): void;

  /** Record that a hook is about to be called. Returns the attempt: 1 + the calls of this hook, instance and point that never ended. */
  beginHook(call: Pick<HookCall, 'containerID' | 'instanceID' | 'point' | 'plugin' | 'version'>): number;
  endHook(call: Omit<HookCall, 'version' | 'attempt' | 'startedAt' | 'endedAt'>): void;
  hookCalls(containerID: string, instanceID?: string): HookCall[];

  addEvent(event: NewEvent): JournalEvent;
  events(filter?: { readonly namespace?: string; readonly name?: string }): JournalEvent[];

  /** Small facts by name: boot id, schema version. */
  fact(name: string): string | undefined;
  setFact(name: string, value: string): void;

  close(): void;
}
