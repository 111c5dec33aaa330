import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromCallback, fromPromise } from 'xstate';
import type { Condition, Container } from '../../src/api/container.ts';
import { createController } from '../../src/controller/controller.ts';
import type { Controller } from '../../src/controller/controller.ts';
import type { AdoptedContainer } from '../../src/controller/saved-container.ts';
import { createDesiredStore } from '../../src/controller/desired-store.ts';
import type { Claim, DesiredStore } from '../../src/controller/desired-store.ts';
import type { Exit } from '../../src/runtime/runtime.ts';
import type { SourceSink } from '../../src/sources/source.ts';
import { containerMachine } from '../../machines/container.ts';
import { newContainer } from '../../machines/context.ts';
import type { Desired } from '../../machines/context.ts';
import type { Constructed, EffectInput, EntryState } from '../../machines/events.ts';
import { aSpec } from '../support/specs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const spec = aSpec({ plugins: [] });
const web: Container = {
  apiVersion: 'hob.dev/v1alpha1',
  kind: 'Container',
  metadata: { name: 'web', namespace: 'default' },
  spec,
};
const key = 'default/web';
const claim: Claim = { source: 'one', origin: '/a.yaml' };
const desired: Desired = {
  spec,
  labels: {},
  annotations: {},
  generation: 1,
  hash: { instance: 'one', resources: 'one' },
  removed: false,
};

/** A container of an earlier hob. */
function adopted(resumeAt: EntryState, removed = false): AdoptedContainer {
  const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' };
  const context = { ...newContainer(identity, { ...desired, removed }), nextStartAt: 1 };
  return { context, resumeAt, claim, contentHash: '', conditions: [] };
}

/** Effects that succeed at once; a container runs until it is told to stop. */
function machineOn(done: string[]): typeof containerMachine {
  let end = (): void => undefined;
  return containerMachine.provide({
    actors: {
      construct: fromPromise<Constructed, EffectInput>(async () => Promise.resolve({ ok: true, rootfsPath: '/r' })),
      start: fromCallback(({ sendBack }) => {
        done.push('start');
        sendBack({ type: 'started', pid: 1, startTime: 1, startedAt: '2026-01-01T00:00:00Z' });
      }),
      waitForExit: fromPromise<Exit, EffectInput>(async () => {
        await new Promise<void>((resolve) => (end = resolve));
        return { code: 0, oomKilled: false, finishedAt: '2026-01-01T00:00:00Z' };
      }),
      stop: fromCallback(() => end()),
      destroy: fromPromise(async () => Promise.resolve(0)),
      sleep: fromPromise(async () => Promise.resolve()),
    },
  });
}

interface Bench {
  readonly controller: Controller;
  readonly store: DesiredStore;
  readonly sink: SourceSink;
  /** What was done to the host and written to the journal, in order. */
  readonly done: string[];
  readonly told: string[];
  readonly saved: { state: string; claim: Claim; conditions: readonly Condition[] }[];
  /** No write to the journal succeeds. */
  full: boolean;
}

function bench(before: readonly AdoptedContainer[] = []): Bench {
  const [done, told, saved]: [string[], string[], Bench['saved']] = [[], [], []];
  const store = createDesiredStore({
    sources: ['one'],
    remembered: before.map(({ claim, contentHash, context }) => ({ key, claim, contentHash, ...context.desired })),
    onChange: (changed) => controller.enqueue(changed),
    onSynced: () => controller.enqueueAll(),
    onUnavailable: () => controller.enqueueAll(),
    onMistakes: () => undefined,
  });
  const inJournal = (what: string): void => {
    if (self.full) throw new Error('no space left');
    done.push(what);
  };
  const controller = createController({
    machine: machineOn(done),
    store,
    adopted: before,
    save: (container, state) => {
      inJournal(`save ${state}`);
      saved.push({ state, claim: container.claim, conditions: container.conditions });
    },
    cleanUp: async () => {
      done.push('clean up');
      await Promise.resolve();
      return true;
    },
    forget: () => inJournal('forget'),
    hooksOf: () => undefined,
    recover: () => Promise.reject(new Error('not here')),
    report: () => undefined,
    reportConflict: () => undefined,
    log: { error: (_, message) => told.push(message), info: (_, message) => told.push(message) },
  });
  const self: Bench = { controller, store, sink: store.sinkFor('one'), done, told, saved, full: false };
  return self;
}

const declare = (sink: SourceSink, origin = '/a.yaml'): void =>
  sink.declare(origin, { containers: [web], mistakes: [] });
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const phaseOf = ({ controller }: Bench): string | undefined => controller.get(key)?.status?.phase;

describe('when the journal cannot be written', () => {
  it('a container that is gone is forgotten as soon as it can be, told of once', async () => {
    const hob = bench();
    declare(hob.sink);
    hob.sink.synced();
    await settled();
    expect(phaseOf(hob)).toBe('Running');
    hob.full = true;
    hob.sink.withdraw('/a.yaml');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(hob.controller.list()).toEqual([]);
    expect(hob.done.at(-1)).toBe('clean up');
    hob.full = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(hob.done.at(-1)).toBe('forget');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(hob.done.filter((what) => what === 'forget')).toHaveLength(1);
    expect(hob.told).toEqual([
      expect.stringContaining('could not be written'),
      expect.stringContaining('can be written again'),
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('one that comes back meanwhile has its record made new, not forgotten', async () => {
    const hob = bench();
    declare(hob.sink);
    await settled();
    hob.full = true;
    hob.sink.withdraw('/a.yaml');
    await vi.advanceTimersByTimeAsync(1_500);
    declare(hob.sink);
    await settled();
    expect(phaseOf(hob)).toBe('Running');
    hob.full = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(hob.done.at(-1)).toBe('save alive.running');
    expect(hob.done).not.toContain('forget');
  });

  it('the latest state is in it when it can be written, once', async () => {
    const hob = bench();
    hob.full = true;
    declare(hob.sink);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(hob.saved).toEqual([]);
    hob.full = false;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(hob.saved).toMatchObject([{ state: 'alive.running', claim }]);
  });
});

describe('a container from before a restart of hob', () => {
  it('whose back-off is over is not started before its source has been read', async () => {
    const hob = bench([adopted('backoff')]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(hob.done).not.toContain('start');
    expect(hob.controller.get(key)?.status?.conditions?.[0]).toMatchObject({ reason: 'SourceNotRead' });
    declare(hob.sink);
    await settled();
    expect(phaseOf(hob)).toBe('Running');
  });

  it('is never started when its source no longer declares it', async () => {
    const hob = bench([adopted('backoff')]);
    await settled();
    hob.sink.synced();
    await settled();
    expect(hob.controller.list()).toEqual([]);
    expect(hob.done).not.toContain('start');
    expect(hob.done.at(-1)).toBe('forget');
  });

  it('is started as it was last known when its source cannot be read', async () => {
    const hob = bench([adopted('pending')]);
    await settled();
    expect(phaseOf(hob)).toBe('Pending');
    hob.sink.unavailable('it is not there');
    await settled();
    expect(phaseOf(hob)).toBe('Running');
  });

  it('is started as it was last known when its file cannot be understood', async () => {
    const hob = bench([adopted('pending')]);
    hob.sink.declare('/a.yaml', {
      containers: [],
      mistakes: [{ origin: '/a.yaml', line: 1, column: 1, path: '', message: 'wrong' }],
    });
    await settled();
    expect(phaseOf(hob)).toBe('Running');
  });

  it('that was gone and not forgotten yet is cleaned up after, and then forgotten', async () => {
    const hob = bench([adopted('gone', true)]);
    await settled();
    expect(hob.done.slice(-2)).toEqual(['clean up', 'forget']);
    expect(hob.controller.list()).toEqual([]);
  });
});

it('a file that is renamed is remembered by its new name', async () => {
  const hob = bench();
  declare(hob.sink);
  await settled();
  declare(hob.sink, '/b.yaml');
  hob.sink.withdraw('/a.yaml');
  await settled();
  expect(hob.saved.at(-1)).toMatchObject({ state: 'alive.running', claim: { source: 'one', origin: '/b.yaml' } });
});

it('since when a container is ready is remembered, not only since when it was not', async () => {
  const hob = bench();
  declare(hob.sink);
  await settled();
  const ready = hob.controller.get(key)?.status?.conditions?.find(({ type }) => type === 'Ready');
  expect(ready).toMatchObject({ status: 'True' });
  expect(hob.saved.at(-1)?.conditions).toContainEqual(ready);
});
