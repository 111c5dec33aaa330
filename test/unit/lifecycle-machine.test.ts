import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, initialTransition, transition, waitFor } from 'xstate';
import type { SnapshotFrom } from 'xstate';
import { containerMachine } from '../../machines/container.ts';
import { entryStates } from '../../machines/events.ts';
import type { Constructed, ContainerEvent, EffectInput } from '../../machines/events.ts';
import { backoffMs, newContainer } from '../../machines/context.ts';
import type { ContainerContext, Desired } from '../../machines/context.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import { aSpec } from '../support/specs.ts';

type Snapshot = SnapshotFrom<typeof containerMachine>;
type MachineEvent = Parameters<typeof containerMachine.transition>[1];

const hash = { instance: 'one', resources: 'one' };
const base: Desired = { spec: aSpec(), labels: {}, annotations: {}, generation: 1, hash, removed: false };
const wishes: Desired[] = [
  base,
  { ...base, removed: true },
  { ...base, generation: 2, spec: aSpec({ desiredState: 'Stopped' }) },
  { ...base, generation: 3, spec: aSpec({ desiredState: 'Paused' }) },
  { ...base, generation: 6, spec: aSpec({ restartPolicy: 'OnFailure' }) },
  { ...base, generation: 7, spec: aSpec({ restartPolicy: 'Never' }) },
  { ...base, generation: 4, hash: { ...hash, instance: 'two' } },
  { ...base, generation: 5, hash: { ...hash, resources: 'two' } },
];

const context = (desired: Desired): ContainerContext =>
  newContainer({ id: 'web', uid: '0123456789', namespace: 'default', name: 'web', createdAt: '' }, desired);

/** What was done in the present instance so far. */
interface History {
  readonly called: readonly HookPoint[];
  readonly initExisted: boolean;
  readonly dirty: boolean;
}
const clean: History = { called: [], initExisted: false, dirty: false };

interface Visited {
  readonly snapshot: Snapshot;
  readonly history: History;
}

/** What others may have done to the container, as a look at it shows. */
const fromOutside: readonly ContainerEvent[] = [
  { type: 'seen', paused: true, limits: [] },
  { type: 'seen', paused: false, limits: [] },
  { type: 'seen', paused: false, limits: ['pids.max was 3, not 50'] },
  { type: 'unmounted' },
];

/** Every answer that the effects under way could give, and everything that a source could say. */
function possibleEvents(snapshot: Snapshot): MachineEvent[] {
  const desires = wishes.map((desired): ContainerEvent => ({ type: 'desire', desired }));
  const answers = Object.entries(snapshot.children).flatMap(([id, child]) =>
    answersOf(id, typeof child?.src === 'string' ? child.src : '', snapshot),
  );
  return [...desires, { type: 'confirmed' }, { type: 'pluginsChanged' }, ...fromOutside, ...answers];
}

function answersOf(id: string, src: string, snapshot: Snapshot): MachineEvent[] {
  const done = (output: unknown): MachineEvent =>
    ({ type: `xstate.done.actor.${id}`, output, actorId: id }) as unknown as MachineEvent;
  const error = {
    type: `xstate.error.actor.${id}`,
    error: new Error('broken'),
    actorId: id,
  } as unknown as MachineEvent;
  const exit = { oomKilled: false, finishedAt: '2026-01-01T00:00:00Z' };
  switch (src) {
    case 'runHooks':
      return [true, false].map((ok) => ({ type: 'hooksDone', point: pointOf(snapshot), ok, message: 'm' }));
    case 'start':
      return startAnswers(snapshot);
    case 'findMissingPlugins':
      return [done([]), done(['x']), error];
    case 'construct':
      return [done({ ok: true, rootfsPath: '/r' }), done({ ok: false, reason: 'RootfsNotFound', message: 'm' }), error];
    case 'waitForExit':
      return [done({ ...exit, code: 0 }), done({ ...exit, code: 1 }), done({ ...exit, unknown: 'lost' })];
    case 'updateResources':
      return [...wishes.map(done), error];
    case 'stop':
      return [{ type: 'stopAsked', at: 1 }];
    case 'destroy':
      return [done(0), error];
    default:
      return [done(undefined), error];
  }
}

function startAnswers(snapshot: Snapshot): MachineEvent[] {
  const failed = (reason: string, initExisted: boolean): MachineEvent => ({
    type: 'startFailed',
    reason,
    message: 'm',
    initExisted,
    commandRefused: reason === 'StartError',
    givenUp: reason === 'NoLongerWanted',
  });
  const started: MachineEvent = { type: 'started', pid: 1, startTime: 1, startedAt: '2026-01-01T00:00:00Z' };
  if (snapshot.matches({ starting: 'preStart' })) return [failed('CreateError', true)];
  if (snapshot.matches({ starting: 'refusing' })) return [failed('PreStartRefused', true)];
  if (snapshot.matches({ starting: 'executing' })) return [started, failed('StartError', true)];
  const failures = [failed('CreateError', false), failed('StartError', true), failed('NoLongerWanted', false)];
  return [{ type: 'created', pid: 1 }, started, ...failures];
}

function pointOf(snapshot: Snapshot): HookPoint {
  if (snapshot.matches({ starting: 'preStart' })) return 'preStart';
  if (snapshot.matches({ alive: 'postStart' })) return 'postStart';
  if (typeof snapshot.value !== 'string') throw new Error(`no hook point in ${JSON.stringify(snapshot.value)}`);
  return snapshot.value as HookPoint;
}

/** What matters of a state; counters and times would make the graph endless. */
function essence({ snapshot, history }: Visited): string {
  const { desired, instance, refused } = snapshot.context;
  const { hash, postConstructionBegun, initExisted, stopping, exit, failure } = instance ?? {};
  const life = [hash, postConstructionBegun, initExisted, stopping, exit && (exit.code ?? 'lost'), failure?.reason];
  const isRefused = refused?.generation === desired.generation;
  const { unconfirmed = false } = snapshot.context;
  return JSON.stringify([snapshot.value, wishes.indexOf(desired), life, isRefused, unconfirmed, history]);
}

const inInstance = (snapshot: Snapshot): boolean => Object.keys(snapshot.children).includes('hooks');

/** Follows the history of an instance over one transition, and says what must never happen on the way. */
function follow(before: Visited, after: Snapshot, event: MachineEvent): History {
  let history = before.history;
  if (after.context.instances !== before.snapshot.context.instances) {
    expect(history.dirty, 'a new instance begins only when the one before was destroyed').toBe(false);
    history = { ...clean, dirty: true };
  }
  if (event.type === 'created' || event.type === 'started') history = { ...history, initExisted: true };
  if (event.type === 'startFailed' && event.initExisted) history = { ...history, initExisted: true };
  if (inInstance(after) && after.children.hooks !== before.snapshot.children.hooks)
    history = { ...history, called: callHook(history, pointOf(after)) };
  if (after.matches('destroying') && !before.snapshot.matches('destroying')) checkTeardown(history);
  const destroyed = before.snapshot.matches({ destroying: 'removing' }) && !after.matches('destroying');
  return destroyed ? { ...history, dirty: after.context.instances !== before.snapshot.context.instances } : history;
}

const order: HookPoint[] = ['postConstruction', 'preStart', 'postStart', 'postStop', 'preDestruction'];

function callHook({ called, initExisted }: History, point: HookPoint): HookPoint[] {
  const later = called.filter((earlier) => order.indexOf(earlier) >= order.indexOf(point));
  expect(later, `${point} comes once and in order`).toEqual([]);
  if (point === 'postStop') expect(initExisted, 'postStop comes only after an init existed').toBe(true);
  if (point === 'preDestruction')
    expect(called, 'preDestruction is owed to postConstruction').toContain('postConstruction');
  return [...called, point];
}

function checkTeardown({ called, initExisted }: History): void {
  if (called.includes('postConstruction')) expect(called).toContain('preDestruction');
  if (initExisted) expect(called).toContain('postStop');
}

/** The whole graph, breadth first: what each state leads to. */
function explore(): { edges: Map<string, Set<string>>; nodes: Map<string, Visited> } {
  const starts = [false, true].map((unconfirmed): Visited => {
    const input = { context: { ...context(base), unconfirmed }, resumeAt: 'pending' } as const;
    return { snapshot: initialTransition(containerMachine, input)[0], history: clean };
  });
  const nodes = new Map(starts.map((start) => [essence(start), start]));
  const edges = new Map<string, Set<string>>();
  for (const [name, node] of nodes) {
    const next = new Set<string>();
    edges.set(name, next);
    if (node.snapshot.status !== 'active') continue;
    for (const event of possibleEvents(node.snapshot)) {
      const [snapshot] = transition(containerMachine, node.snapshot, event);
      expect(snapshot.status, `${event.type} in ${JSON.stringify(node.snapshot.value)}`).not.toBe('error');
      const after: Visited = { snapshot, history: follow(node, snapshot, event) };
      const key = essence(after);
      if (!nodes.has(key)) nodes.set(key, after);
      next.add(key);
    }
  }
  return { edges, nodes };
}

describe('the lifecycle machine, explored as a graph', () => {
  const { edges, nodes } = explore();

  it('has every state in it that hob can enter', () => {
    const seen = new Set([...nodes.values()].map(({ snapshot }) => lastName(snapshot)));
    const missing = entryStates.filter((state) => !seen.has(state));
    expect(missing).toEqual([]);
    expect(nodes.size).toBeGreaterThan(500);
  });

  it('reaches gone from every state', () => {
    const reaches = new Set([...nodes].filter(([, { snapshot }]) => snapshot.matches('gone')).map(([name]) => name));
    expect(reaches.size).toBeGreaterThan(0);
    for (let grown = true; grown;) {
      grown = false;
      for (const [name, next] of edges) {
        if (reaches.has(name) || ![...next].some((one) => reaches.has(one))) continue;
        reaches.add(name);
        grown = true;
      }
    }
    const stuck = [...nodes].filter(([name]) => !reaches.has(name)).map(([, { snapshot }]) => snapshot.value);
    expect(stuck).toEqual([]);
  });

  it('never rests in a state that has no phase', () => {
    const without = [...nodes.values()].filter(
      ({ snapshot }) => snapshot.status === 'active' && snapshot.tags.size !== 1,
    );
    expect(without.map(({ snapshot }) => snapshot.value)).toEqual([]);
  });

  it('can be entered at every entry state', () => {
    for (const resumeAt of entryStates) {
      const instance = { id: 'i', spec: base.spec, hash, generation: 1, postConstructionBegun: true };
      const [snapshot] = initialTransition(containerMachine, {
        context: { ...context(base), instance, instances: 1 },
        resumeAt,
      });
      expect(snapshot.status).toBe(resumeAt === 'gone' ? 'done' : 'active');
    }
  });
});

function lastName({ value }: Snapshot): string {
  if (typeof value === 'string') return value;
  const [parent = '', child = ''] = Object.entries(value)[0] ?? [];
  return parent === 'alive' ? String(child) : parent;
}

describe('after a death of hob', () => {
  const done = (id: string, output: unknown) =>
    ({ type: `xstate.done.actor.${id}`, output, actorId: id }) as unknown as MachineEvent;
  const enter = (resumeAt: 'constructing' | 'starting' | 'running' | 'paused', desired: Desired) => {
    const instance = { id: 'i', spec: base.spec, hash, generation: 1, postConstructionBegun: true, initExisted: true };
    return initialTransition(containerMachine, {
      context: { ...context(desired), instance, instances: 1 },
      resumeAt,
    })[0];
  };

  it('in postConstruction, preDestruction is owed even when the rootfs cannot be made again', () => {
    const before = enter('constructing', base);
    const [id = ''] = Object.keys(before.children);
    const [after] = transition(
      containerMachine,
      before,
      done(id, { ok: false, reason: 'RootfsNotFound', message: 'm' }),
    );
    expect(after.value).toBe('preDestruction');
  });

  it.each(['Always', 'Never'] as const)(
    'what the host took with it before its command ran is started anew, whatever its restart policy: %s',
    (restartPolicy) => {
      const spec = aSpec({ restartPolicy, plugins: [] });
      const instance = { id: 'i', spec, hash, generation: 1, hostRestarted: true };
      const [before] = initialTransition(containerMachine, {
        context: { ...context({ ...base, spec }), instance, instances: 1 },
        resumeAt: 'destroying',
      });
      const [id = ''] = Object.keys(before.children);
      const [after] = transition(containerMachine, before, done(id, 0));
      expect(after.value).toBe('constructing');
      expect(after.context.instances).toBe(2);
    },
  );

  it('a paused container gets new limits too, and stays paused', () => {
    const desired = {
      ...base,
      generation: 8,
      spec: aSpec({ desiredState: 'Paused' }),
      hash: { ...hash, resources: 'two' },
    };
    const before = enter('paused', desired);
    expect(before.value).toEqual({ alive: 'updatingPaused' });
    const [id = ''] = Object.keys(before.children).filter((one) => one !== 'exit');
    const [after] = transition(containerMachine, before, done(id, desired));
    expect(after.value).toEqual({ alive: 'paused' });
    expect(after.context.instance?.hash.resources).toBe('two');
  });

  it('a wish that comes while limits change is not taken for what was applied', () => {
    const [id = ''] = Object.keys(enter('running', wishes.at(-1) ?? base).children).filter((one) => one !== 'exit');
    const applied = wishes.at(-1) ?? base;
    const [meanwhile] = transition(containerMachine, enter('running', applied), {
      type: 'desire',
      desired: { ...applied, generation: 9, hash: { instance: 'new', resources: 'newer' } },
    });
    const [after] = transition(containerMachine, meanwhile, done(id, applied));
    expect(after.context.instance?.hash).toEqual({ instance: 'one', resources: 'two' });
    expect(after.value).toEqual({ alive: 'stopping' });
  });

  it.each(['pending', 'waiting', 'backoff'] as const)(
    'nothing new is begun until the source has been heard, nor while it waits for something else: %s',
    (resumeAt) => {
      const before = initialTransition(containerMachine, {
        context: { ...context(base), unconfirmed: true, nextStartAt: 1 },
        resumeAt,
      })[0];
      const [id = ''] = Object.keys(before.children);
      const went = { pending: before, waiting: undefined, backoff: undefined }[resumeAt];
      const held =
        went ?? transition(containerMachine, before, id ? done(id, undefined) : { type: 'pluginsChanged' })[0];
      expect(held.value).toBe('held');
      expect(transition(containerMachine, held, { type: 'pluginsChanged' })[0].value).toBe('held');
      expect(transition(containerMachine, held, { type: 'confirmed' })[0].value).toBe('pending');
      const removed = { ...base, removed: true };
      expect(transition(containerMachine, held, { type: 'desire', desired: removed })[0].value).toBe('gone');
    },
  );

  it('remembers when a container was first asked to stop', () => {
    const stopping = enter('running', { ...base, removed: true });
    expect(stopping.value).toEqual({ alive: 'stopping' });
    const [after] = transition(containerMachine, stopping, { type: 'stopAsked', at: 77 });
    expect(after.context.instance?.stopAskedAt).toBe(77);
  });

  it('what an earlier hob saw of an init counts: postStop is owed though this start says that there was none', () => {
    const [after] = transition(containerMachine, enter('starting', base), {
      type: 'startFailed',
      reason: 'CreateError',
      message: 'm',
      initExisted: false,
    });
    expect(after.context.instance).toMatchObject({ initExisted: true });
    expect(after.context.instance?.failure?.reason).toBe('CreateError');
  });
});

it('a plugin that comes while its absence is being told is not waited for', async () => {
  const answers = [Promise.withResolvers<readonly string[]>(), Promise.withResolvers<readonly string[]>()];
  const asked = [...answers];
  const machine = containerMachine.provide({
    actors: {
      findMissingPlugins: fromPromise<readonly string[], EffectInput>(
        () => asked.shift()?.promise ?? Promise.resolve([]),
      ),
      construct: fromPromise<Constructed, EffectInput>(() => new Promise(() => undefined)),
    },
  });
  const spec = aSpec({ plugins: [{ name: 'p', required: true, timeoutSeconds: 1 }] });
  const actor = createActor(machine, { input: { context: context({ ...base, spec }), resumeAt: 'pending' } }).start();
  actor.send({ type: 'pluginsChanged' });
  answers[0]?.resolve(['p']);
  answers[1]?.resolve([]);
  await waitFor(actor, (snapshot) => !snapshot.matches('pending'));
  expect(actor.getSnapshot().value).toBe('constructing');
  actor.stop();
});

describe('a start that is no longer wanted', () => {
  const starting = (): Snapshot => {
    const instance = { id: 'i', spec: base.spec, hash, generation: 1 };
    return initialTransition(containerMachine, {
      context: { ...context(base), instance, instances: 1 },
      resumeAt: 'starting',
    })[0];
  };
  const removed = { type: 'desire', desired: { ...base, removed: true } } as const;

  it('is given up at once', () => {
    const [, actions] = transition(containerMachine, starting(), removed);
    expect(actions).toContainEqual(
      expect.objectContaining({ type: 'xstate.sendTo', params: expect.objectContaining({ event: { type: 'abort' } }) }),
    );
    const [, others] = transition(containerMachine, starting(), {
      type: 'desire',
      desired: { ...base, generation: 9, labels: { a: 'b' } },
    });
    expect(others.map(({ type }) => type)).not.toContain('xstate.sendTo');
  });

  it('is given up when the preStart hooks have come to their end, too: crun may hang', () => {
    const told = expect.objectContaining({ targetId: 'start', event: { type: 'abort' } });
    const [waiting] = transition(containerMachine, starting(), { type: 'created', pid: 1 });
    const [unwanted, first] = transition(containerMachine, waiting, removed);
    expect(first).not.toContainEqual(expect.objectContaining({ params: told }));
    const [refusing, then] = transition(containerMachine, unwanted, {
      type: 'hooksDone',
      point: 'preStart',
      ok: false,
      message: '',
    });
    expect(refusing.value).toEqual({ starting: 'refusing' });
    expect(then).toContainEqual(expect.objectContaining({ params: told }));
  });

  it('calls no preStart hooks, and crun is told no', () => {
    const [unwanted] = transition(containerMachine, starting(), removed);
    expect(transition(containerMachine, unwanted, { type: 'created', pid: 1 })[0].value).toEqual({
      starting: 'refusing',
    });
  });

  it('counts as no failure when it is wanted again meanwhile', () => {
    const [unwanted] = transition(containerMachine, starting(), removed);
    const [wanted] = transition(containerMachine, unwanted, { type: 'desire', desired: base });
    const givenUp = { type: 'startFailed', reason: 'NoLongerWanted', message: 'm', initExisted: false } as const;
    const [torn] = transition(containerMachine, wanted, { ...givenUp, givenUp: true });
    expect(torn.value).toEqual({ destroying: 'removing' });
    const [id = ''] = Object.keys(torn.children);
    const destroyed = { type: `xstate.done.actor.${id}`, output: 0, actorId: id } as unknown as MachineEvent;
    const [after] = transition(containerMachine, torn, destroyed);
    expect(after.value).toBe('pending');
    expect(after.context.failuresInRow).toBe(0);
  });
});

describe('the back-off', () => {
  it.each([
    ['Never', 1, 'failed'],
    ['Never', 0, 'completed'],
    ['OnFailure', 0, 'completed'],
    ['OnFailure', 1, 'backoff'],
  ] as const)('ends when the restart policy becomes %s after exit code %i: %s', (restartPolicy, code, expected) => {
    const exit = { code, oomKilled: false, finishedAt: '2026-01-01T00:00:00Z' };
    const instance = { id: 'i', spec: base.spec, hash, generation: 1, exit };
    const inBackoff = (unconfirmed: boolean): Snapshot =>
      initialTransition(containerMachine, {
        context: { ...context(base), instance, instances: 1, unconfirmed, nextStartAt: 1 },
        resumeAt: 'backoff',
      })[0];
    const now = { type: 'desire', desired: { ...base, generation: 2, spec: aSpec({ restartPolicy }) } } as const;
    expect(transition(containerMachine, inBackoff(false), now)[0].value).toBe(expected);

    // Of a hob that was restarted it may be over before the source says anything.
    const before = inBackoff(true);
    const [id = ''] = Object.keys(before.children);
    const over = { type: `xstate.done.actor.${id}`, actorId: id } as unknown as MachineEvent;
    const [held] = transition(containerMachine, before, over);
    expect(held.value).toBe('held');
    expect(transition(containerMachine, held, now)[0].value).toBe(expected === 'backoff' ? 'pending' : expected);
  });

  it('doubles from a second to five minutes', () => {
    expect([1, 2, 3, 9, 10, 100].map(backoffMs)).toEqual([1000, 2000, 4000, 256_000, 300_000, 300_000]);
  });
});
