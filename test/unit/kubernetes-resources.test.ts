import { afterEach, beforeEach, expect, it } from 'vitest';
import { finalizer, type ContainerResource } from '../../src/sources/kubernetes/resource.ts';
import { followResources, type Resources } from '../../src/sources/kubernetes/resources.ts';

/** What was sent to the server, and not answered yet. */
interface Sent {
  readonly what: string;
  answer(resource: ContainerResource): void;
}

let sent: Sent[];
let resources: Resources;

const write = (what: string) => (): Promise<ContainerResource> =>
  new Promise((resolve) => sent.push({ what, answer: resolve }));

beforeEach(() => {
  sent = [];
  resources = followResources({
    node: 'here',
    writes: {
      addFinalizer: write('addFinalizer'),
      removeFinalizer: write('removeFinalizer'),
      status: write('status'),
    },
    sink: { declare: () => undefined, withdraw: () => undefined },
    look: () => ({}),
    isMeant: () => true,
    onWriteFault: () => undefined,
    onWaiting: () => undefined,
  });
});
afterEach(async () => {
  const stopped = resources.stop();
  for (const { answer } of sent) answer(one(9));
  await stopped;
});

const one = (version: number, metadata: object = {}, status?: ContainerResource['status']): ContainerResource => ({
  metadata: {
    name: 'one',
    namespace: 'default',
    uid: 'u',
    resourceVersion: String(version),
    generation: 1,
    ...metadata,
  },
  spec: { nodeName: 'here', command: ['/bin/true'], rootfs: { path: '/srv/one' } },
  ...(status && { status }),
});
const held = { finalizers: [finalizer] };
const deleted = { ...held, deletionTimestamp: '2026-01-01T00:00:00Z' };

it('does not go back to what a write was answered with, when the watch has told of something newer before the answer', async () => {
  resources.seen(one(1));
  await expect.poll(() => sent.map(({ what }) => what)).toEqual(['addFinalizer']);
  // It is held from version 2 on, and deleted right after.
  resources.seen(one(3, deleted));
  sent[0]?.answer(one(2, held));
  await expect.poll(() => sent.map(({ what }) => what)).toEqual(['addFinalizer', 'removeFinalizer']);
  expect(resources.get('default/one')?.metadata.resourceVersion).toBe('3');
});

it('knows nothing more of what the watch told to be gone, before the answer to its last write', async () => {
  const taken = { phase: 'Pending', nodeName: 'here' } as ContainerResource['status'];
  resources.seen(one(1, deleted, taken));
  await expect.poll(() => sent.map(({ what }) => what)).toEqual(['removeFinalizer']);
  resources.deleted(one(2, deleted, taken));
  sent[0]?.answer(one(2, { deletionTimestamp: deleted.deletionTimestamp }, taken));
  // As `hob down` waits for.
  await resources.allLeft();
  await new Promise(setImmediate);
  expect(resources.get('default/one')).toBeUndefined();
});
