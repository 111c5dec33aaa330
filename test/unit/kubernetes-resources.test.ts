import { describe, expect, it } from 'vitest';
import type { Container } from '../../src/api/container.ts';
import { finalizer, type ContainerResource } from '../../src/sources/kubernetes/resource.ts';
import { followResources, type Resources } from '../../src/sources/kubernetes/resources.ts';

/** A state of the one resource, taken on by this node, as the server numbers them. */
const state = (resourceVersion: string, metadata: object = {}): ContainerResource => ({
  metadata: { name: 'web', namespace: 'default', uid: 'u', resourceVersion, finalizers: [finalizer], ...metadata },
  spec: { nodeName: 'here', rootfs: { path: '/srv/web' }, command: ['/bin/web'] },
  status: { nodeName: 'here' },
});
const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };

interface Stage {
  readonly resources: Resources;
  /** What was declared and withdrawn, and each write that was begun. */
  readonly log: string[];
  /** The server answers the write that waits longest. */
  answer(resource: ContainerResource): Promise<void>;
}

/** hob's own part has the status that `container` says; the server answers when it is told to. */
function stage(container: () => Container | undefined, held: readonly string[] = []): Stage {
  const log: string[] = [];
  const waiting: ((resource: ContainerResource) => void)[] = [];
  const write = (name: string) => (): Promise<ContainerResource> => {
    log.push(name);
    return new Promise((resolve) => waiting.push(resolve));
  };
  const resources = followResources({
    node: 'here',
    writes: {
      addFinalizer: write('addFinalizer'),
      removeFinalizer: write('removeFinalizer'),
      status: write('status'),
      read: write('read'),
    },
    sink: { declare: () => log.push('declare'), withdraw: () => log.push('withdraw') },
    look: () => ({ container: container() }),
    held: () => held,
    isMeant: () => true,
    onWriteFault: (_, message) => log.push(message),
    onMissing: () => log.push('reads all anew'),
    onWaiting: () => undefined,
    pace: { statusMs: 0, unsettledMs: 0, waitingMs: 0 },
  });
  return {
    resources,
    log,
    answer: async (resource) => {
      waiting.shift()?.(resource);
      await settled();
    },
  };
}

/** All that follows without a timer has followed. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const running = { status: { phase: 'Running' } } as Container;

describe('a resource of which the watch and an answer tell', () => {
  it('is torn down when its deletion is told before the write from before it is answered', async () => {
    const { resources, log, answer } = stage(() => running);
    resources.seen(state('1'), 'watch');
    await settled();
    expect(log).toEqual(['declare', 'status']);
    resources.seen(state('3', deleted), 'watch');
    await answer({ ...state('2'), status: { nodeName: 'here', phase: 'Running' } });
    expect(log).toContain('withdraw');
    expect(resources.get('default/web')?.metadata.resourceVersion).toBe('3');
  });

  it('is not taken for what it was before the answer', async () => {
    const { resources, log, answer } = stage(() => undefined);
    const free = { ...state('1'), status: {} };
    resources.seen(free, 'watch');
    await settled();
    await answer(state('2'));
    expect(log).toEqual(['status', 'declare']);
    resources.seen(free, 'watch');
    await settled();
    expect(log).toEqual(['status', 'declare']);
  });

  it('is gone, whatever is answered after that', async () => {
    const { resources, answer } = stage(() => undefined);
    resources.seen(state('1', deleted), 'watch');
    await settled();
    resources.deleted(state('2', deleted));
    await answer(state('2', { ...deleted, finalizers: [] }));
    expect(resources.get('default/web')).toBeUndefined();
    await resources.allLeft();
  });

  it('is what a list has, be it older: the cluster may have been restored', async () => {
    const { resources } = stage(() => undefined);
    resources.seen(state('9', deleted), 'watch');
    resources.seen(state('5'), 'list');
    expect(resources.get('default/web')?.metadata.resourceVersion).toBe('5');
    resources.seen(state('6', deleted), 'watch');
    expect(resources.get('default/web')?.metadata.resourceVersion).toBe('6');
  });
});

describe('a resource that hob had before, and that is not in the list', () => {
  const key = 'default/web';

  it('is let go of when its container is gone', async () => {
    let container: Container | undefined = running;
    const { resources, log, answer } = stage(() => container, [key]);
    resources.listed(new Set());
    await settled();
    expect(log).toEqual(['read']);
    await answer(state('1'));
    expect(log).toEqual(['read', 'status']);
    container = undefined;
    await answer(state('2'));
    expect(log).toEqual(['read', 'status', 'removeFinalizer']);
    await answer(state('3', { finalizers: [] }));
    await answer({ ...state('4', { finalizers: [] }), status: {} });
    expect(log).toEqual(['read', 'status', 'removeFinalizer', 'status']);
    await resources.allLeft();
  });

  it('is left alone when another node has it', async () => {
    const { resources, log, answer } = stage(() => running, [key]);
    resources.listed(new Set());
    await settled();
    await answer({ ...state('1'), status: { nodeName: 'elsewhere' } });
    expect(log).toEqual(['read']);
    expect(resources.get(key)).toBeUndefined();
  });

  it('is not asked for when it is in the list', async () => {
    const { resources, log } = stage(() => running, [key]);
    resources.seen(state('1'), 'list');
    resources.listed(new Set([key]));
    await settled();
    expect(log).not.toContain('read');
  });
});

describe('a resource that leaves the selection', () => {
  const key = 'default/web';
  const free = { finalizers: [] };

  it('while it is being deleted is let go of all the same, when its container is gone', async () => {
    let container: Container | undefined = running;
    const { resources, log, answer } = stage(() => container);
    resources.seen(state('2', deleted), 'list');
    await settled();
    resources.deleted(state('2', deleted));
    container = undefined;
    await answer(state('3', deleted));
    expect(log.at(-1)).toBe('removeFinalizer');
    await answer(state('4', { ...deleted, ...free }));
    expect(resources.get(key)).toBeUndefined();
    await resources.allLeft();
  });

  it('is let go of to the end, though all is read anew in the middle of that', async () => {
    const { resources, log, answer } = stage(() => undefined);
    resources.seen(state('1'), 'list');
    await settled();
    await answer(state('1'));
    resources.deleted(state('2'));
    await settled();
    await answer(state('3', free));
    resources.listed(new Set());
    expect(log.slice(-2)).toEqual(['removeFinalizer', 'status']);
    expect(resources.get(key)).toBeDefined();
    await answer({ ...state('4', free), status: {} });
    expect(resources.get(key)).toBeUndefined();
  });

  it('is waited for by who leaves, from before it was read', async () => {
    const { resources, answer } = stage(() => running, [key]);
    resources.listed(new Set());
    let hasLeft = false;
    void resources.allLeft().then(() => (hasLeft = true));
    await settled();
    expect(hasLeft).toBe(false);
    await answer({ ...state('1'), status: { nodeName: 'elsewhere' } });
    expect(hasLeft).toBe(true);
  });
});
