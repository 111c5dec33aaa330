import { expect, it } from 'vitest';
import { createDepartures } from '../../src/controller/departures.ts';
import { newContainer } from '../../machines/context.ts';
import { aSpec } from '../support/specs.ts';

const hash = { instance: 'one', resources: 'one' };
const desired = { spec: aSpec(), labels: {}, annotations: {}, generation: 1, hash, removed: true };
const life = (uid: string) =>
  newContainer({ id: 'web', uid, namespace: 'default', name: 'web', createdAt: '' }, desired);

function bench() {
  const cleaned = new Map<string, (isClean: boolean) => void>();
  const removed: string[] = [];
  const self = { isBack: false };
  const departures = createDepartures({
    cleanUp: ({ uid }) => new Promise((resolve) => cleaned.set(uid, resolve)),
    removeRecord: (_, { uid }) => removed.push(uid),
    isBack: () => self.isBack,
  });
  const cleanUp = async (uid: string, isClean = true): Promise<void> => {
    cleaned.get(uid)?.(isClean);
    await new Promise(setImmediate);
  };
  return { departures, cleanUp, removed, self };
}

it('removes the record of a container when all else of it is removed', async () => {
  const { departures, cleanUp, removed } = bench();
  departures.leave('default/web', life('1'));
  expect(removed).toEqual([]);
  await cleanUp('1');
  expect(removed).toEqual(['1']);
  await departures.ended();
});

it('leaves the record to the life that has come meanwhile', async () => {
  const { departures, cleanUp, removed, self } = bench();
  departures.leave('default/web', life('1'));
  self.isBack = true;
  await cleanUp('1');
  expect(removed).toEqual([]);
});

it('removes it with the last of two lives that are cleaned up after at once, whichever that is', async () => {
  const { departures, cleanUp, removed } = bench();
  for (const uid of ['1', '2']) departures.leave('default/web', life(uid));
  await cleanUp('2');
  expect(removed).toEqual([]);
  await cleanUp('1');
  expect(removed).toEqual(['1']);
});

it('leaves the record to a later hob where something could not be removed', async () => {
  const { departures, cleanUp, removed } = bench();
  departures.leave('default/web', life('1'));
  await cleanUp('1', false);
  expect(removed).toEqual([]);
  await departures.ended();
});
