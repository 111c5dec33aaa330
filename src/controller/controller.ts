import { randomUUID } from 'node:crypto';
import { createActor } from 'xstate';
import { containerID } from '../api/container.ts';
import type { Condition, Container, ContainerStatus } from '../api/container.ts';
import { newContainer } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { EntryState, Report } from '../../machines/events.ts';
import type { Claim, DesiredStore, Wanted } from './desired-store.ts';
import { journaled, phaseOf, statePath } from './journaled.ts';
import type { ContainerActor, ContainerMachine, ContainerSnapshot } from './journaled.ts';
import { createWorkQueue } from './queue.ts';
import { createRivalries } from './rivalries.ts';
import { containerView } from './status.ts';

/** A container as the journal keeps it, beside the machine's state. */
export interface SavedContainer {
  readonly context: ContainerContext;
  readonly conditions: readonly Condition[];
  readonly claim: Claim;
  readonly contentHash: string;
}

/** A container from before hob's last death, and where its machine is to be entered. */
export interface AdoptedContainer extends SavedContainer {
  readonly resumeAt: EntryState;
}

export interface ControllerOptions {
  /** The lifecycle machine with its effects provided. */
  readonly machine: ContainerMachine;
  readonly store: DesiredStore;
  readonly adopted: readonly AdoptedContainer[];
  /** Make the state durable. When it throws, the container goes on and the save is tried again. */
  readonly save: (saved: SavedContainer, state: string) => void;
  readonly forget: (container: ContainerContext) => void;
  /** May throw when the journal can't be read. */
  readonly hooksOf: (id: string, instanceID: string) => ContainerStatus['hooks'];
  /** Where a machine that failed is to be entered. */
  readonly recover: (
    state: string,
    context: ContainerContext,
  ) => Promise<{ context: ContainerContext; resumeAt: EntryState }>;
  readonly report: (container: { namespace: string; name: string }, report: Report) => void;
  readonly reportConflict: (rival: Claim, owner: Claim, key: string) => void;
  readonly log: { error: (fields: object, message: string) => void };
}

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Container };

/** Keeps one actor of the lifecycle machine for each container, and tells it what is wanted. Knows no file and no crun. */
export interface Controller {
  /** Something about the key may have changed. */
  enqueue(key: string): void;
  /** All sources may have been read: what nobody wants can go. */
  enqueueAll(): void;
  pluginsChanged(): void;
  list(): Container[];
  get(key: string): Container | undefined;
  watch(listener: (event: WatchEvent) => void): () => void;
  /** Decide nothing more. The machines are left as they are, in the middle of whatever they do: hob is about to end. */
  stop(): Promise<void>;
}

/** One container under control. */
interface Kept {
  readonly actor: ContainerActor;
  view: Container;
  claim: Claim;
  contentHash: string;
  mistakes: Wanted['mistakes'];
  /** The last save failed. */
  unsaved: boolean;
}

const enterAgainMs = 1_000;

export function createController(options: ControllerOptions): Controller {
  const { store, log } = options;
  const kept = new Map<string, Kept>();
  const listeners = new Set<(event: WatchEvent) => void>();
  let isOver = false;
  const queue = createWorkQueue({
    work: async (key) => reconcile(key),
    onError: (key, error, retryInMs) => log.error({ container: key, err: error, retryInMs }, 'reconcile failed'),
  });

  const rivalries = createRivalries({ tell: options.reportConflict, later: queue.addAfter });

  /** Level-triggered: whatever happened, look at what is wanted and at what there is, and tell the actor. */
  function reconcile(key: string): void {
    const wanted = store.get(key);
    const present = kept.get(key);
    if (wanted) {
      rivalries.look(key, wanted);
      if (present) adjust(present, wanted);
      else begin(key, wanted);
    } else if (present) {
      if (store.mayRemove(key)) letGo(present);
      else showMistakes(present, store.mistakesAbout(key));
    }
    if (present?.unsaved) saveAgain(present);
  }

  function adjust(present: Kept, wanted: Wanted): void {
    const { desired } = present.actor.getSnapshot().context;
    Object.assign(present, { claim: wanted.claim, contentHash: wanted.contentHash });
    showMistakes(present, wanted.mistakes);
    if (desired.removed || desired.generation !== wanted.desired.generation)
      present.actor.send({ type: 'desire', desired: wanted.desired });
  }

  function letGo({ actor }: Kept): void {
    const { desired } = actor.getSnapshot().context;
    if (!desired.removed) actor.send({ type: 'desire', desired: { ...desired, removed: true } });
  }

  /** The last good spec stays in force; the status says why. */
  function showMistakes(present: Kept, mistakes: Wanted['mistakes']): void {
    if (mistakes.length === 0 && present.mistakes.length === 0) return;
    present.mistakes = mistakes;
    show(present, present.actor.getSnapshot());
  }

  function begin(key: string, wanted: Wanted): void {
    const [namespace = '', name = ''] = key.split('/');
    const identity = { id: containerID({ namespace, name }), uid: randomUUID(), namespace, name };
    const context = newContainer({ ...identity, createdAt: new Date().toISOString() }, wanted.desired);
    keep(key, { ...wanted, context, conditions: [], resumeAt: 'pending' });
  }

  function keep(key: string, container: AdoptedContainer & Partial<Pick<Wanted, 'mistakes'>>): void {
    const { context, resumeAt, claim, contentHash, conditions, mistakes = [] } = container;
    const machine = journaled(
      options.machine,
      (snapshot) => record(present, snapshot),
      () => isOver,
    );
    const actor = createActor(machine, { input: { context, resumeAt } });
    const view = viewOf(actor.getSnapshot(), mistakes, conditions);
    const present: Kept = { actor, view, claim, contentHash, mistakes, unsaved: false };
    kept.set(key, present);
    save(present, actor.getSnapshot());
    actor.on('report', (report) => options.report(context, report));
    actor.subscribe({ complete: () => drop(key, present), error: (error) => abandon(key, present, error) });
    announce('ADDED', view);
    actor.start();
  }

  /** Between the decision for a state and its effects. */
  function record(present: Kept, snapshot: ContainerSnapshot): void {
    save(present, snapshot);
    show(present, snapshot);
  }

  function save(present: Kept, snapshot: ContainerSnapshot): void {
    const { claim, contentHash } = present;
    const conditions = present.view.status?.conditions ?? [];
    try {
      options.save({ context: snapshot.context, conditions, claim, contentHash }, statePath(snapshot.value));
      present.unsaved = false;
    } catch (error) {
      present.unsaved = true;
      const { namespace, name } = snapshot.context;
      log.error({ container: `${namespace}/${name}`, err: error }, 'the journal could not be written; trying again');
      queue.addAfter(`${namespace}/${name}`, 1000);
    }
  }

  function saveAgain(present: Kept): void {
    save(present, present.actor.getSnapshot());
  }

  function show(present: Kept, snapshot: ContainerSnapshot): void {
    present.view = viewOf(snapshot, present.mistakes, present.view.status?.conditions ?? []);
    announce('MODIFIED', present.view);
  }

  /** A machine that failed does nothing any more. It is entered anew where it was, which is what a restart of hob would do. */
  function abandon(key: string, { actor, claim, contentHash, view }: Kept, error: unknown): void {
    log.error(
      { container: key, err: error },
      'the lifecycle machine failed, which is a fault of hob; it is entered anew',
    );
    const { context } = actor.getSnapshot();
    const conditions = view.status?.conditions ?? [];
    const enter = async (): Promise<void> => {
      const { resumeAt, context: found } = await options.recover(statePath(actor.getSnapshot().value), context);
      keep(key, { context: found, resumeAt, claim, contentHash, conditions });
    };
    setTimeout(() => {
      enter().catch((err: unknown) => log.error({ container: key, err }, 'it could not be entered anew'));
    }, enterAgainMs);
  }

  function viewOf(snapshot: ContainerSnapshot, mistakes: Wanted['mistakes'], before: readonly Condition[]): Container {
    const { context } = snapshot;
    const phase = phaseOf(snapshot);
    const usesPlugins = context.instance !== undefined && context.instance.spec.plugins.length > 0;
    const hooks = usesPlugins ? readHooks(context.id, context.instance.id) : undefined;
    return containerView({ context, phase, mistakes, hooks, before, now: new Date().toISOString() });
  }

  function readHooks(id: string, instanceID: string): ContainerStatus['hooks'] {
    try {
      return options.hooksOf(id, instanceID);
    } catch (err) {
      log.error({ container: id, err }, 'the journal could not be read');
      return undefined;
    }
  }

  /** The machine has come to its end: nothing is left of the container. It may be wanted again meanwhile. */
  function drop(key: string, present: Kept): void {
    kept.delete(key);
    rivalries.forget(key);
    store.forget(key);
    try {
      options.forget(present.actor.getSnapshot().context);
    } catch (error) {
      log.error({ container: key, err: error }, 'the journal could not be written');
    }
    announce('DELETED', present.view);
    queue.add(key);
  }

  function announce(type: WatchEvent['type'], object: Container): void {
    for (const listener of listeners) listener({ type, object });
  }

  for (const container of options.adopted) keep(`${container.context.namespace}/${container.context.name}`, container);

  return {
    enqueue: (key) => queue.add(key),
    enqueueAll: () => new Set([...kept.keys(), ...store.keys()]).forEach((key) => queue.add(key)),
    pluginsChanged: () => kept.forEach(({ actor }) => actor.send({ type: 'pluginsChanged' })),
    list: () => [...kept.values()].map(({ view }) => view),
    get: (key) => kept.get(key)?.view,
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => {
      isOver = true;
      return queue.stop();
    },
  };
}
