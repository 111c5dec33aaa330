import { setTimeout as delay } from 'node:timers/promises';
import type { Container } from '../../src/api/container.ts';
import type { ObjectList } from '../../src/api/wire.ts';
import { type Client, NotRunning } from '../../src/cli/client.ts';

/** The pids of all that run and were not started again. */
export async function runningPids(api: Client): Promise<Map<string, number | undefined>> {
  const { items } = await api.json<ObjectList<Container>>('GET', '/containers');
  const running = items.filter(({ status }) => status?.phase === 'Running' && status.restartCount === 0);
  return new Map(running.map(({ metadata, status }) => [metadata.name, status?.pid]));
}

/** Of a hob that is being started. */
export async function untilItAnswers<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof NotRunning)) throw error;
      await delay(2);
    }
  }
}
