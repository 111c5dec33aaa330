import { describe, expect, it } from 'vitest';
import { createActor, waitFor } from 'xstate';
import { withEffects } from '../../src/lifecycle/effects.ts';
import type { LifecycleParts } from '../../src/lifecycle/parts.ts';
import type { Observation, Runtime } from '../../src/runtime/runtime.ts';
import { newContainer } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const hash = { instance: 'one', resources: 'one' };
const spec = aSpec({ plugins: [] });
const desired = { spec, labels: {}, annotations: {}, generation: 1, hash, removed: false };
const identity = { id: 'web', uid: '01234567', namespace: 'default', name: 'web', createdAt: '' };
const context = {
  ...newContainer(identity, desired),
  instance: { id: '01234567-1', spec, hash, generation: 1 },
  instances: 1,
};

/** A host on which neither rootfs nor configuration can be made now. */
function hostWith(seen: Observation): LifecycleParts {
  const never = new Promise<never>(() => undefined);
  const runtime: Partial<Runtime> = {
    observe: async () => seen,
    goOn: async () => ({ kind: 'running', pid: 42, startTime: 7, startedAt: '2026-01-01T00:00:00Z' }),
    waitForExit: () => never,
    discard: () => never,
  };
  const unable = (): never => {
    throw new Error('the device /dev/video0 is not there');
  };
  return {
    runtime,
    rootfs: { prepare: async () => unable() },
    configure: unable,
    logOf: () => ({ path: '/web.log', maxSizeBytes: 1, maxFiles: 1 }),
    descriptors: new Map(),
  } as unknown as LifecycleParts;
}

const startOn = (seen: Observation) => {
  const actor = createActor(withEffects(hostWith(seen)), { input: { context, resumeAt: 'starting' } });
  actor.start();
  return waitFor(actor, (snapshot) => !snapshot.matches('starting'));
};

describe('a start that an earlier hob began', () => {
  it.each<Observation>([{ kind: 'starting' }, { kind: 'running', pid: 42, startTime: 7, paused: false }])(
    'is gone on with and not begun again, though nothing of it could be made again: $kind',
    async (seen) => {
      const snapshot = await startOn(seen);
      expect(snapshot.value).toEqual({ alive: 'running' });
      expect(snapshot.context.instance).toMatchObject({ pid: 42, startTime: 7 });
    },
  );

  it('is made again where crun was not reached', async () => {
    const snapshot = await startOn({ kind: 'absent' });
    expect(snapshot.context.instance?.failure).toMatchObject({
      reason: 'CreateError',
      message: expect.stringContaining('/dev/video0'),
    });
  });
});
