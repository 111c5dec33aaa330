import type { Container } from '../../api/container.ts';
import { createWorkQueue } from '../../controller/queue.ts';
import { wordsOf } from '../../host/errors.ts';
import type { Declaration, SourceSink } from '../source.ts';
import { ApiError, isConflict, isNotFound } from './api-error.ts';
import { declarationMark, declarationOf } from './declaration.ts';
import { isDeclared, nextWrite, partIn, type Part, type Situation, type Write } from './part.ts';
import { hasFinalizer, isBeingDeleted, isOlder, keyOf, originOf, takenBy, type ContainerResource } from './resource.ts';
import { claimedStatus, isSettled, releasedStatus, statusOf, type Facts } from './status.ts';
import { statusPatch, type ResourceWrites } from './writes.ts';

/** What the rest of hob has of a key. */
export interface Here {
  /** Its container, if it came from the API server. */
  readonly container?: Container | undefined;
  /** Where else on this node the name is declared, and was first. */
  readonly rival?: string | undefined;
}

export interface ResourcesOptions {
  readonly node: string;
  readonly writes: ResourceWrites;
  readonly sink: Pick<SourceSink, 'declare' | 'withdraw'>;
  readonly look: (key: string) => Here;
  /** nodeName and nodeSelector are for this node. */
  readonly isMeant: (resource: ContainerResource) => boolean;
  /** Told of a write that the server does not take, once for each way it fails. */
  readonly onWriteFault: (key: string, message: string) => void;
  /** Its spec names this node, and another node still has it, for so long. */
  readonly onWaiting: (resource: ContainerResource, other: string) => void;
  readonly pace?: { readonly statusMs: number; readonly unsettledMs: number; readonly waitingMs: number };
}

/** The Containers of the API server that concern this node, each brought on a step at a time. */
export interface Resources {
  seen(resource: ContainerResource, by: 'list' | 'watch'): void;
  /** It was deleted, or is not among those any more that the selectors let through. */
  deleted(resource: ContainerResource): void;
  /** These are all that there are. */
  listed(keys: ReadonlySet<string>): void;
  /** Something of the key has changed here. */
  changed(key: string): void;
  /** All of them may have to be decided anew. */
  changedAll(): void;
  get(key: string): ContainerResource | undefined;
  /** Resolves when no resource is this node's any more. */
  allLeft(): Promise<void>;
  stop(): Promise<void>;
}

interface Entry {
  resource: ContainerResource;
  /** It is not among those any more that this hob is to look at: its labels have changed, say. */
  isDeselected?: boolean;
  /** What was declared of it, by its mark. */
  declared?: { readonly mark: string; readonly declaration: Declaration };
  statusAt: number;
  /** Since when the server is to have another status. */
  differsSince?: number | undefined;
  waitsSince?: number;
  isWaitTold?: boolean;
  fault?: string;
}

/** At most one status a second; and ways between two phases, which take milliseconds as a rule, are told when they take longer. */
const usualPace = { statusMs: 1_000, unsettledMs: 200, waitingMs: 30_000 };
/** For the watch to bring the news. */
const afterConflictMs = 200;

export function followResources(options: ResourcesOptions): Resources {
  const { node, writes, sink, look, isMeant, onWriteFault, onWaiting, pace = usualPace } = options;
  const entries = new Map<string, Entry>();
  let onEmpty: (() => void) | undefined;
  const queue = createWorkQueue({
    work: reconcile,
    workers: 8,
    retryMs: { first: 500, longest: 30_000 },
    onError: (key, error) => tellFault(key, error),
  });

  const situationOf = (
    { resource, isDeselected }: Pick<Entry, 'resource' | 'isDeselected'>,
    { container }: Here,
  ): Situation => ({
    resource,
    node,
    isMeant: !isDeselected && isMeant(resource),
    isHere: container !== undefined,
  });

  function seen(resource: ContainerResource, by: 'list' | 'watch' | 'write'): void {
    const key = keyOf(resource);
    const entry = entries.get(key);
    // Answers to writes and the watch overtake each other. A list counts as it is: the server may be back at a backup.
    if (entry && by !== 'list' && isOlder(resource, entry.resource)) return;
    if (!entry && partIn(situationOf({ resource }, look(key))) === 'ignore') return;
    // Only who selects can say that it is selected again.
    if (entry) Object.assign(entry, { resource, isDeselected: by === 'write' && entry.isDeselected === true });
    else entries.set(key, { resource, statusAt: -Infinity });
    queue.add(key);
  }

  function drop(key: string): void {
    if (entries.get(key)?.declared) sink.withdraw(originOf(key));
    entries.delete(key);
    if (![...entries.values()].some(isTaken)) onEmpty?.();
  }

  /** What this node has, and holds by its finalizer, may still be there without being among those that it looks at: then it is let go of. */
  function leaveOut(key: string, resource: ContainerResource): void {
    const mayBeThere = takenBy(resource) === node && hasFinalizer(resource) && !isBeingDeleted(resource);
    const entry = entries.get(key);
    if (!entry || !mayBeThere) return drop(key);
    Object.assign(entry, { resource, isDeselected: true });
    queue.add(key);
  }

  const isTaken = ({ resource }: Entry): boolean => takenBy(resource) === node;

  /** Level-triggered: look at the resource, at what is here, and do the next thing. */
  async function reconcile(key: string): Promise<void> {
    const entry = entries.get(key);
    if (!entry) return;
    const here = look(key);
    const situation = situationOf(entry, here);
    const part = partIn(situation);
    settleDeclaration(key, entry, part, situation);
    if (part === 'ignore') return drop(key);
    if (part === 'wait') return wait(key, entry);
    await write(key, entry, nextWrite(part, situation), here);
  }

  function settleDeclaration(key: string, entry: Entry, part: Part, situation: Situation): void {
    const origin = originOf(key);
    if (!isDeclared(part, situation)) {
      if (entry.declared) sink.withdraw(origin);
      delete entry.declared;
      return;
    }
    const mark = declarationMark(entry.resource);
    if (entry.declared?.mark === mark) return;
    entry.declared = { mark, declaration: declarationOf(entry.resource) };
    sink.declare(origin, entry.declared.declaration);
  }

  async function write(key: string, entry: Entry, what: Write | undefined, here: Here): Promise<void> {
    const { resource } = entry;
    const facts = { resource, node, now: new Date().toISOString() };
    if (what === undefined) return;
    if (what === 'status') await writeStatus(key, entry, { ...facts, ...here });
    else if (what === 'claim')
      await send(key, entry, writes.status(resource, statusPatch(resource, claimedStatus(facts)) ?? {}));
    else if (what === 'release')
      await send(key, entry, writes.status(resource, statusPatch(resource, releasedStatus(facts)) ?? {}));
    else await send(key, entry, writes[what](resource));
  }

  async function writeStatus(key: string, entry: Entry, facts: Facts & Here): Promise<void> {
    const { container, rival } = facts;
    const mistakes = entry.declared?.declaration.mistakes ?? [];
    const status = statusOf({ ...facts, container, rival, mistakes });
    const patch = status && statusPatch(entry.resource, status);
    if (!status || !patch) return void (entry.differsSince = undefined);
    const at = performance.now();
    entry.differsSince ??= at;
    const due = Math.max(entry.statusAt + pace.statusMs, isSettled(status) ? 0 : entry.differsSince + pace.unsettledMs);
    if (due > at) return queue.addAfter(key, due - at);
    entry.statusAt = at;
    await send(key, entry, writes.status(entry.resource, patch));
  }

  /** What comes next is decided on the answer, unless the watch has told of a later state, or of the end. */
  async function send(key: string, entry: Entry, sent: Promise<ContainerResource>): Promise<void> {
    try {
      const answer = await sent;
      if (entries.get(key) === entry) seen(answer, 'write');
    } catch (error) {
      if (isConflict(error)) return afterConflict(key);
      if (!isNotFound(error)) throw error;
      drop(key);
    }
    delete entries.get(key)?.fault;
  }

  /** Somebody else wrote in between. The watch brings the news, but not of what has left the selection. */
  async function afterConflict(key: string): Promise<void> {
    const entry = entries.get(key);
    if (!entry?.isDeselected) return queue.addAfter(key, afterConflictMs);
    const found = await writes.readAnew(entry.resource);
    if (entry.isDeselected) seen(found, 'write');
  }

  function wait(key: string, entry: Entry): void {
    const at = performance.now();
    entry.waitsSince ??= at;
    const left = entry.waitsSince + pace.waitingMs - at;
    if (left > 0) return queue.addAfter(key, left);
    if (!entry.isWaitTold) onWaiting(entry.resource, takenBy(entry.resource) ?? '');
    entry.isWaitTold = true;
  }

  function tellFault(key: string, error: unknown): void {
    const entry = entries.get(key);
    const message = wordsOf(error);
    // That the server cannot be reached is told by whoever reads from it.
    if (!entry || !(error instanceof ApiError) || entry.fault === message) return;
    entry.fault = message;
    onWriteFault(key, message);
  }

  return {
    seen,
    deleted: (resource) => leaveOut(keyOf(resource), resource),
    listed: (keys) => {
      for (const [key, entry] of [...entries]) {
        if (!keys.has(key)) leaveOut(key, entry.resource);
        // Before anybody may conclude from silence that something is not wanted.
        else settleNow(key, entry);
      }
    },
    changed: (key) => {
      if (entries.has(key)) queue.add(key);
    },
    changedAll: () => entries.forEach((_, key) => queue.add(key)),
    get: (key) => entries.get(key)?.resource,
    allLeft: () =>
      new Promise((resolve) => {
        onEmpty = resolve;
        if (![...entries.values()].some(isTaken)) resolve();
      }),
    stop: () => queue.stop(),
  };

  function settleNow(key: string, entry: Entry): void {
    const situation = situationOf(entry, look(key));
    settleDeclaration(key, entry, partIn(situation), situation);
  }
}
