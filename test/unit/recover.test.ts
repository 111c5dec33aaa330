import { describe, expect, it } from 'vitest';
import { recover } from '../../src/lifecycle/recover.ts';
import type { Observation, Runtime } from '../../src/runtime/runtime.ts';
import { newContainer } from '../../machines/context.ts';
import type { ContainerContext, Instance } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const hash = { instance: 'one', resources: 'one' };
const desired = { spec: aSpec(), labels: {}, annotations: {}, generation: 1, hash, removed: false };

function containerWith(change: Partial<Instance> = {}): ContainerContext {
  const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' };
  const instance = {
    id: '01234567-1',
    spec: desired.spec,
    hash,
    generation: 1,
    postConstructionBegun: true,
    ...change,
  };
  return { ...newContainer(identity, desired), instance, instances: 1 };
}

/** Only looks; recovery must do nothing else. */
const host = (seen: Observation): Runtime => {
  const refuse = (): never => {
    throw new Error('recovery must not touch the host');
  };
  return new Proxy({} as Runtime, {
    get: (_, name) => (name === 'observe' ? async () => Promise.resolve(seen) : refuse),
  });
};

const alive: Observation = { kind: 'running', pid: 42, startTime: 7, paused: false };
const exited: Observation = { kind: 'exited', exit: { code: 3, oomKilled: false, finishedAt: '2026-01-01T00:00:00Z' } };

async function resumed(state: string, seen: Observation, change: Partial<Instance> = {}): Promise<string> {
  return (await recover({ state, context: containerWith(change) }, host(seen), true)).resumeAt;
}

describe('recovery', () => {
  it.each([
    ['alive.running', 'running'],
    ['alive.updating', 'running'],
    ['alive.pausing', 'running'],
    ['alive.postStart', 'postStart'],
    ['alive.stopping', 'stopping'],
  ])('goes on where a living container was: %s', async (state, resumeAt) => {
    expect(await resumed(state, alive)).toBe(resumeAt);
  });

  it.each(['alive.updating', 'alive.updatingPaused'])(
    'sets limits again after a change that was cut, whatever is wanted by now: %s',
    async (state) => {
      const { context } = await recover({ state, context: containerWith() }, host(alive), true);
      expect(context.instance?.hash.resources).not.toBe(context.desired.hash.resources);
      expect(context.instance?.hash.instance).toBe(context.desired.hash.instance);
    },
  );

  it('believes the host, not the journal, about what is paused', async () => {
    expect(await resumed('alive.paused', alive)).toBe('running');
    expect(await resumed('alive.running', { ...alive, paused: true })).toBe('paused');
    expect(await resumed('alive.updatingPaused', { ...alive, paused: true })).toBe('paused');
  });

  it.each(['alive.running', 'alive.paused', 'alive.postStart', 'alive.stopping'])(
    'tears down what ended meanwhile, with its exit code: %s',
    async (state) => {
      const { resumeAt, context } = await recover({ state, context: containerWith() }, host(exited), true);
      expect(resumeAt).toBe('postStop');
      expect(context.instance?.exit?.code).toBe(3);
    },
  );

  it('says that an exit code is unknown when nothing is left to tell it', async () => {
    const { resumeAt, context } = await recover(
      { state: 'alive.running', context: containerWith() },
      host({ kind: 'absent' }),
      true,
    );
    expect(resumeAt).toBe('postStop');
    expect(context.instance?.exit).toMatchObject({ unknown: expect.stringContaining('exit file') });
  });

  it('waits for the exit code of what ended a moment ago, which crun has yet to tell', async () => {
    const { resumeAt, context } = await recover(
      { state: 'alive.running', context: containerWith() },
      host({ kind: 'starting' }),
      true,
    );
    expect(resumeAt).toBe('running');
    expect(context.instance?.exit).toBeUndefined();
  });

  it('looks again for the plugin that was waited for, which may have come meanwhile', async () => {
    expect(await resumed('waiting', { kind: 'absent' })).toBe('pending');
  });

  it('begins a step again that was cut', async () => {
    expect(await resumed('starting.preStart', { kind: 'starting' })).toBe('starting');
    expect(await resumed('postConstruction', { kind: 'absent' })).toBe('constructing');
    expect(await resumed('destroying.resting', { kind: 'absent' })).toBe('destroying');
    expect(await resumed('postStop', { kind: 'absent' })).toBe('postStop');
  });

  it.each(['pending', 'backoff', 'completed', 'failed', 'stopped'])('rests where it rested: %s', async (state) => {
    expect(await resumed(state, { kind: 'absent' })).toBe(state);
  });

  it('goes by what is there in a state of another version of hob, unless the instance was closed', async () => {
    expect(await resumed('alive.dozing', alive)).toBe('running');
    expect(await resumed('newState', exited)).toBe('postStop');
    expect(await resumed('newState', { kind: 'absent' })).toBe('postStop');
    const lastTermination = { instanceID: '01234567-1', reason: 'Completed', finishedAt: '' };
    const closed = { state: 'newState', context: { ...containerWith(), lastTermination } };
    expect((await recover(closed, host({ kind: 'absent' }), true)).resumeAt).toBe('pending');
    const unborn = newContainer(
      { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' },
      desired,
    );
    expect((await recover({ state: 'newState', context: unborn }, host({ kind: 'absent' }), true)).resumeAt).toBe(
      'pending',
    );
  });

  it('owes the teardown hooks to containers that went with the host', async () => {
    const reboot = async (state: string, change: Partial<Instance> = {}) =>
      (await recover({ state, context: containerWith(change) }, host({ kind: 'absent' }), false)).resumeAt;
    expect(await reboot('alive.running', { initExisted: true })).toBe('postStop');
    expect(await reboot('starting.preStart', { initExisted: true })).toBe('postStop');
    expect(await reboot('starting.creating')).toBe('preDestruction');
    expect(await reboot('postConstruction')).toBe('preDestruction');
    expect(await reboot('backoff')).toBe('backoff');
  });
});
