import { expect, it } from 'vitest';
import type { SavedContainer } from '../../src/controller/saved-container.ts';
import { adopt } from '../../src/daemon/adopt.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { newContainer } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

type Parts = Parameters<typeof adopt>[0];

const made = { spec: aSpec(), generation: 1, hash: { instance: 'one', resources: 'one' } };

/** A container that the journal says has come to its end. @param instance its last, if it had one */
function completed(id: string, instance?: string): ReturnType<Journal['containers']>[number] {
  const identity = { id, uid: '01234567', namespace: 'default', name: id, createdAt: '' };
  const born = newContainer(identity, { ...made, labels: {}, annotations: {}, removed: false });
  const saved: SavedContainer = {
    context: { ...born, ...(instance && { instance: { id: instance, ...made }, instances: 1 }) },
    conditions: [],
    claim: { source: 'directory', origin: '/specs/web.yaml' },
    contentHash: 'one',
  };
  return { id, uid: '01234567', namespace: 'default', name: id, state: 'completed', machineVersion: 1, context: saved };
}

it('of what the runtime has, only the instances that the journal has stay, whatever their containers are called', async () => {
  const discarded: string[][] = [];
  const there = [
    ['own', '01234567-1'],
    ['another', 'fedcba98-1'],
    ['early', 'fedcba98-1'],
    ['unknown', 'fedcba98-1'],
    ['half', ''],
  ];
  const parts = {
    journal: {
      news: [],
      fact: () => undefined,
      containers: () => [
        completed('own', '01234567-1'),
        completed('another', '01234567-1'),
        completed('early'),
        completed('half', '01234567-1'),
      ],
    },
    runtime: {
      list: async () => there.map(([id, instanceID]) => ({ id, instanceID })),
      discard: async (id: string, instanceID: string) => void discarded.push([id, instanceID]),
    },
    rootfs: { list: async () => [] },
    report: { hob: () => undefined },
  };
  const adopted = await adopt(parts as unknown as Parts);
  expect(adopted.map(({ context }) => context.id)).toEqual(['own', 'another', 'early', 'half']);
  expect(discarded).toEqual([
    ['another', ''],
    ['early', ''],
    ['unknown', ''],
  ]);
});
