import { describe, expect, it, vi } from 'vitest';
import { createWorkQueue } from '../../src/controller/queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const neverFails = (): void => {
  throw new Error('no key should fail here');
};

describe('the work queue', () => {
  it('works once on a key that is added many times', async () => {
    const worked: string[] = [];
    const queue = createWorkQueue({ work: async (key) => void worked.push(key), onError: neverFails });
    for (let i = 0; i < 100; i++) queue.add('a');
    queue.add('b');
    await turn();
    expect(worked).toEqual(['a', 'b']);
  });

  it('never works on a key twice at the same time, and loses no addition meanwhile', async () => {
    let running = 0;
    let runs = 0;
    const gate = Promise.withResolvers<void>();
    const queue = createWorkQueue({
      work: async () => {
        expect(++running).toBe(1);
        runs++;
        await gate.promise;
        running--;
      },
      onError: neverFails,
    });
    queue.add('a');
    await turn();
    queue.add('a');
    queue.add('a');
    await turn();
    expect(runs).toBe(1);
    gate.resolve();
    await turn();
    expect(runs).toBe(2);
  });

  it('works on other keys while one is slow', async () => {
    const worked: string[] = [];
    const forever = new Promise<void>(() => undefined);
    const work = async (key: string): Promise<void> => {
      worked.push(key);
      if (key === 'slow') await forever;
    };
    const queue = createWorkQueue({ work, onError: neverFails, workers: 2 });
    for (const key of ['slow', 'a', 'b', 'c']) queue.add(key);
    await turn();
    expect(worked).toEqual(['slow', 'a', 'b', 'c']);
  });

  it('tries a key that fails again, later each time, and forgets its failures once it succeeds', async () => {
    vi.useFakeTimers();
    const delays: number[] = [];
    let succeed = false;
    const queue = createWorkQueue({
      work: async () => {
        if (!succeed) throw new Error('not yet');
      },
      onError: (_key, _error, retryInMs) => delays.push(retryInMs),
      retryMs: { first: 10, longest: 50 },
    });
    queue.add('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(delays.slice(0, 5)).toEqual([10, 20, 40, 50, 50]);
    succeed = true;
    await vi.advanceTimersByTimeAsync(100);
    succeed = false;
    delays.length = 0;
    queue.add('a');
    await vi.advanceTimersByTimeAsync(1);
    expect(delays).toEqual([10]);
    vi.useRealTimers();
  });

  it('keeps the earliest of several delays, and an addition now overtakes them', async () => {
    vi.useFakeTimers();
    let runs = 0;
    const queue = createWorkQueue({ work: async () => void runs++, onError: neverFails });
    queue.addAfter('a', 100);
    queue.addAfter('a', 10);
    queue.addAfter('a', 1000);
    await vi.advanceTimersByTimeAsync(10);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(runs).toBe(1);
    queue.addAfter('a', 100);
    queue.add('a');
    await vi.advanceTimersByTimeAsync(200);
    expect(runs).toBe(2);
    vi.useRealTimers();
  });

  it('begins nothing more once stopped, and waits for what is under way', async () => {
    const gate = Promise.withResolvers<void>();
    const worked: string[] = [];
    const work = async (key: string): Promise<void> => {
      await gate.promise;
      worked.push(key);
    };
    const queue = createWorkQueue({ work, onError: neverFails, workers: 1 });
    queue.add('a');
    queue.add('b');
    await turn();
    const stopped = queue.stop();
    queue.add('c');
    gate.resolve();
    await stopped;
    await turn();
    expect(worked).toEqual(['a']);
  });
});
