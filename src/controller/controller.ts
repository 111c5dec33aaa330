import { randomUUID } from 'node:crypto';
import { createActor } from 'xstate';
import { containerID, key as keyOf } from '../api/container.ts';
import type { Container } from '../api/container.ts';
import { newContainer } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import type { EntryState, Report } from '../../machines/events.ts';
import { createDepartures } from './departures.ts';
import type { DepartureOptions } from './departures.ts';
import { sameClaim } from './desired-store.ts';
import type { Claim, DesiredStore, Wanted } from './desired-store.ts';
import { journaled, statePath } from './journaled.ts';
import type { ContainerActor, ContainerMachine, ContainerSnapshot } from './journaled.ts';
import { tellMachines, type Outside } from './outside.ts';
import { createOwedWrites, type OwedWritesOptions } from './owed-writes.ts';
import { createWorkQueue } from './queue.ts';
import { createRivalries } from './rivalries.ts';
import type { AdoptedContainer, SavedContainer } from './saved-container.ts';
import { createView } from './view.ts';
import type { ViewOptions } from './view.ts';

export interface ControllerOptions {
  /** The lifecycle machine with its effects provided. */
  readonly machine: ContainerMachine;
  readonly store: DesiredStore;
  readonly adopted: readonly AdoptedContainer[];
  /** Make the state durable. When it throws, the container goes on and the save is tried again. */
  readonly save: (saved: SavedContainer, state: string) => void;
  readonly cleanUp: DepartureOptions['cleanUp'];
  /** Remove its record. When it throws, it is tried again. */
  readonly forget: (container: ContainerContext) => void;
  readonly hooksOf: ViewOptions['hooksOf'];
  /** Where a machine that failed is to be entered. */
  readonly recover: (
    state: string,
    context: ContainerContext,
  ) => Promise<{ context: ContainerContext; resumeAt: EntryState }>;
  readonly report: (container: { namespace: string; name: string }, report: Report) => void;
  readonly reportConflict: (rival: Claim, owner: Claim, key: string) => void;
  readonly log: OwedWritesOptions['log'];
}

export type WatchEvent = { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Container };

/** Keeps one actor of the lifecycle machine for each container, and tells it what is wanted. Knows no file and no crun. */
export interface Controller extends Outside {
  /** Something about the key may have changed. */
  enqueue(key: string): void;
  /** All sources may have been read: what nobody wants can go. */
  enqueueAll(): void;
  pluginsChanged(): void;
  list(): Container[];
  get(key: string): Container | undefined;
  /** Who declared the container that there is. */
  claimOf(key: string): Claim | undefined;
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

  const writes = createOwedWrites({ log });
  const departures = createDepartures({
    cleanUp: options.cleanUp,
    removeRecord: (key, container) => writes.write(key, () => options.forget(container)),
    isBack: (key) => kept.has(key),
  });
  const viewOf = createView(options);
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
    if (present && (wanted || store.staysInForce(key))) confirm(present);
  }

  function adjust(present: Kept, wanted: Wanted): void {
    const snapshot = present.actor.getSnapshot();
    const hasMoved = !sameClaim(present.claim, wanted.claim);
    const hasChanged = present.contentHash !== wanted.contentHash;
    Object.assign(present, { claim: wanted.claim, contentHash: wanted.contentHash });
    if (hasMoved) {
      save(present, snapshot);
      announce('MODIFIED', present.view);
    }
    showMistakes(present, wanted.mistakes);
    const { removed, generation } = snapshot.context.desired;
    if (removed || hasChanged || generation !== wanted.desired.generation)
      present.actor.send({ type: 'desire', desired: wanted.desired });
  }

  function letGo({ actor }: Kept): void {
    const { desired } = actor.getSnapshot().context;
    if (!desired.removed) actor.send({ type: 'desire', desired: { ...desired, removed: true } });
  }

  /** Only one that waits for it has to hear it: for others it would be a write for nothing. */
  function confirm({ actor }: Kept): void {
    if (actor.getSnapshot().matches('held')) actor.send({ type: 'confirmed' });
  }

  /** The last good spec stays in force; the status says why. */
  function showMistakes(present: Kept, mistakes: Wanted['mistakes']): void {
    if (mistakes.length === 0 && present.mistakes.length === 0) return;
    present.mistakes = mistakes;
    refresh(present, present.actor.getSnapshot());
    announce('MODIFIED', present.view);
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
    const present: Kept = { actor, view, claim, contentHash, mistakes };
    kept.set(key, present);
    save(present, actor.getSnapshot());
    actor.on('report', (report) => options.report(context, report));
    actor.subscribe({ complete: () => drop(key, present), error: (error) => abandon(key, present, error) });
    announce('ADDED', view);
    actor.start();
  }

  /** Between the decision for a state and its effects. */
  function record(present: Kept, snapshot: ContainerSnapshot): void {
    refresh(present, snapshot);
    save(present, snapshot);
    announce('MODIFIED', present.view);
    if (snapshot.matches('held')) queue.add(keyOf(snapshot.context));
  }

  function save(present: Kept, snapshot: ContainerSnapshot): void {
    const { context, value } = snapshot;
    writes.write(keyOf(context), () => {
      const { claim, contentHash, view } = present;
      options.save({ context, conditions: view.status?.conditions ?? [], claim, contentHash }, statePath(value));
    });
  }

  const refresh = (present: Kept, snapshot: ContainerSnapshot): void =>
    void (present.view = viewOf(snapshot, present.mistakes, present.view.status?.conditions ?? []));

  /** A machine that failed does nothing any more. It is entered anew where it was, which is what a restart of hob would do. */
  function abandon(key: string, { actor, claim, contentHash, view }: Kept, error: unknown): void {
    log.error(
      { container: key, err: error },
      'the lifecycle machine failed, which is a fault of hob; it is entered anew',
    );
    const { context } = actor.getSnapshot();
    const conditions = view.status?.conditions ?? [];
    const enter = async (): Promise<void> => {
      if (isOver) return;
      const { resumeAt, context: found } = await options.recover(statePath(actor.getSnapshot().value), context);
      if (isOver) return;
      keep(key, { context: found, resumeAt, claim, contentHash, conditions });
      // It has heard nothing meanwhile.
      queue.add(key);
    };
    const enterLater = (): void =>
      void setTimeout(() => {
        enter().catch((err: unknown) => {
          log.error({ container: key, err }, 'it could not be entered anew; trying again');
          enterLater();
        });
      }, enterAgainMs);
    enterLater();
  }

  /** The machine has come to its end: nothing is left of the container. It may be wanted again meanwhile. */
  function drop(key: string, present: Kept): void {
    kept.delete(key);
    rivalries.forget(key);
    store.forget(key);
    departures.leave(key, present.actor.getSnapshot().context);
    announce('DELETED', present.view);
    queue.add(key);
  }

  function announce(type: WatchEvent['type'], object: Container): void {
    for (const listener of listeners) listener({ type, object });
  }

  for (const container of options.adopted)
    keep(keyOf(container.context), { ...container, context: { ...container.context, unconfirmed: true } });

  return {
    enqueue: (key) => queue.add(key),
    enqueueAll: () => new Set([...kept.keys(), ...store.keys()]).forEach((key) => queue.add(key)),
    ...tellMachines(kept),
    pluginsChanged: () => kept.forEach(({ actor }) => actor.send({ type: 'pluginsChanged' })),
    list: () => [...kept.values()].map(({ view }) => view),
    get: (key) => kept.get(key)?.view,
    claimOf: (key) => kept.get(key)?.claim,
    watch: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: async () => {
      isOver = true;
      await queue.stop();
      await departures.ended();
      writes.stop();
    },
  };
}
