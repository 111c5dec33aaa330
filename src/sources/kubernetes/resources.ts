import { createWorkQueue } from '../../controller/queue.ts';
import type { Declaration } from '../source.ts';
import { isConflict, isForbidden, isNotFound } from './api-error.ts';
import { declarationMark, declarationOf } from './declaration.ts';
import { isDeclared, nextWrite, partIn, type Part, type Situation, type Write } from './part.ts';
import {
  hasFinalizer,
  isBeingDeleted,
  isOlder,
  keyOf,
  originOf,
  takenBy,
  withoutManagedFields,
  type ContainerResource,
} from './resource.ts';
import { claimedStatus, isSettled, releasedStatus, statusOf, type Facts } from './status.ts';
import type { Here, ResourcesOptions } from './resources-options.ts';
import { writeFaults } from './write-faults.ts';
import { statusPatch } from './writes.ts';

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
}

/** At most one status a second; and ways between two phases, which take milliseconds as a rule, are told when they take longer. */
const usualPace = { statusMs: 1_000, unsettledMs: 200, waitingMs: 30_000 };

export function followResources(options: ResourcesOptions): Resources {
  const { node, writes, sink, look, held, isMeant, onWriteFault, onMissing, onWaiting, pace = usualPace } = options;
  const entries = new Map<string, Entry>();
  /** What hob had from the server before, and is not among those that it looks at now. */
  const unseen = new Set<string>();
  const faults = writeFaults(onWriteFault);
  let onEmpty: (() => void) | undefined;
  const queue = createWorkQueue({
    work: reconcile,
    workers: 8,
    retryMs: { first: 500, longest: 30_000 },
    onError: (key, error) => {
      if (entries.has(key) || unseen.has(key)) faults.tell(key, error);
    },
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

  function seen(given: ContainerResource, by: 'list' | 'watch' | 'write'): void {
    const resource = withoutManagedFields(given);
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
    faults.forget(key);
    if (isEmpty()) onEmpty?.();
  }

  /**
   * What this node has may still be there without being among those that it looks at: then it is let go of. A deletion is told with the state
   * of before, and so is the leaving of a selection: which of them it was the next write shows.
   */
  function leaveOut(key: string, resource: ContainerResource): void {
    const entry = entries.get(key);
    const isLetGo = isBeingDeleted(resource) && !(entry && hasFinalizer(entry.resource));
    if (!entry || takenBy(resource) !== node || isLetGo) return drop(key);
    Object.assign(entry, { resource, isDeselected: true });
    queue.add(key);
  }

  const isEmpty = (): boolean =>
    unseen.size === 0 && ![...entries.values()].some(({ resource }) => takenBy(resource) === node);

  /** Level-triggered: look at the resource, at what is here, and do the next thing. */
  async function reconcile(key: string): Promise<void> {
    if (unseen.has(key)) await find(key);
    const entry = entries.get(key);
    if (!entry) return;
    const { here, situation, part } = settle(key, entry);
    if (part === 'ignore') return drop(key);
    if (part === 'wait') return wait(key, entry);
    await write(key, entry, nextWrite(part, situation), here);
  }

  /** Its labels, or the selectors of this hob, were others while a hob of before had it: then that has let go of nothing yet. */
  async function find(key: string): Promise<void> {
    const [namespace = '', name = ''] = key.split('/');
    try {
      const resource = withoutManagedFields(await writes.read({ namespace, name }));
      if (!entries.has(key) && takenBy(resource) === node)
        entries.set(key, { resource, isDeselected: true, statusAt: -Infinity });
    } catch (error) {
      // Of a namespace in which this hob may do nothing, it can let go of nothing either.
      if (isForbidden(error)) faults.tell(key, error);
      else if (!isNotFound(error)) throw error;
    }
    unseen.delete(key);
    if (isEmpty()) onEmpty?.();
  }

  function settle(key: string, entry: Entry): { here: Here; situation: Situation; part: Part } {
    const here = look(key);
    const situation = situationOf(entry, here);
    const part = partIn(situation);
    declare(key, entry, isDeclared(part, situation));
    return { here, situation, part };
  }

  function declare(key: string, entry: Entry, isWanted: boolean): void {
    const origin = originOf(key);
    if (!isWanted) {
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
      if (isConflict(error) && entry.isDeselected) return lookAnew(key, entry);
      if (!isNotFound(error)) throw error;
      missing(key, entry);
    }
    faults.forget(key);
  }

  /** The watch brings what others wrote in between, but not of what has left the selection. */
  async function lookAnew(key: string, entry: Entry): Promise<void> {
    const found = await writes.read(entry.resource.metadata);
    if (entries.get(key) === entry && entry.isDeselected) seen(found, 'write');
  }

  /** Whether it was deleted, or this is another server, or none at all, only reading can tell. */
  function missing(key: string, entry: Entry): void {
    if (entry.declared) onMissing();
    else drop(key);
  }

  function wait(key: string, entry: Entry): void {
    const at = performance.now();
    entry.waitsSince ??= at;
    const left = entry.waitsSince + pace.waitingMs - at;
    if (left > 0) return queue.addAfter(key, left);
    if (!entry.isWaitTold) onWaiting(entry.resource, takenBy(entry.resource) ?? '');
    entry.isWaitTold = true;
  }

  return {
    seen,
    deleted: (resource) => leaveOut(keyOf(resource), resource),
    listed: (keys) => {
      for (const [key, entry] of [...entries]) {
        if (!keys.has(key)) leaveOut(key, entry.resource);
        // Before anybody may conclude from silence that something is not wanted.
        else settle(key, entry);
      }
      for (const key of held().filter((each) => !entries.has(each))) {
        unseen.add(key);
        queue.add(key);
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
        if (isEmpty()) resolve();
      }),
    stop: () => queue.stop(),
  };
}
