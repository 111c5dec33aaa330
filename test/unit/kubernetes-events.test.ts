import { expect, it } from 'vitest';
import type { ApiClient } from '../../src/sources/kubernetes/api-client.ts';
import { ApiError } from '../../src/sources/kubernetes/api-error.ts';
import { eventTeller } from '../../src/sources/kubernetes/events.ts';

it('sends an event whose answer got lost again under the same name, and takes it as sent when it is there', async () => {
  const made: string[] = [];
  const answers = [new Error('the connection broke'), new ApiError(409, 'AlreadyExists', 'it is there')];
  const create = (_path: string, { metadata }: { metadata: { name: string } }): Promise<unknown> => {
    made.push(metadata.name);
    const error = answers[made.length - 1];
    return error ? Promise.reject(error) : Promise.resolve({});
  };
  const events = eventTeller({ create } as unknown as ApiClient, 'here');
  const resource = { metadata: { name: 'one', namespace: 'default', uid: 'u', resourceVersion: '1' } };
  events.tell(resource, { type: 'Normal', reason: 'Started', message: 'started' });
  await expect.poll(() => made.length).toBe(1);
  // What is told next has what waits sent first.
  events.tell(resource, { type: 'Normal', reason: 'Exited', message: 'exited' });
  await expect.poll(() => made.length).toBe(3);
  expect(made[1]).toBe(made[0]);
  expect(made[2]).not.toBe(made[0]);
  events.stop();
});
