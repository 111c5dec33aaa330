import { describe, expect, it } from 'vitest';
import type { ApiClient } from '../../src/sources/kubernetes/api-client.ts';
import { ApiError } from '../../src/sources/kubernetes/api-error.ts';
import { clusterCheck } from '../../src/sources/kubernetes/cluster.ts';

/** What comes of a check, and what is remembered then. */
async function check(facts: {
  /** `forbidden` when it may not be read. */
  found: string;
  known?: string;
  hasContainers: boolean;
  expected?: string;
}): Promise<{ outcome: string; remembered: string | undefined }> {
  let remembered = facts.known;
  const get = async (): Promise<never> => {
    if (facts.found === 'forbidden') throw new ApiError(403, 'Forbidden', 'cannot get resource "namespaces"');
    return { metadata: { uid: facts.found } } as never;
  };
  const memory = {
    get: () => remembered,
    set: (id: string) => void (remembered = id),
  };
  const held = (): string[] => (facts.hasContainers ? ['default/web'] : []);
  const run = clusterCheck({ get } as unknown as ApiClient, memory, held, facts.expected);
  const outcome = await run().then(
    () => 'goes on',
    (error: unknown) => String(error),
  );
  return { outcome, remembered };
}

describe('a server', () => {
  it('that is the first one, or the one of before, is gone on with', async () => {
    expect(await check({ found: 'a', hasContainers: false })).toEqual({ outcome: 'goes on', remembered: 'a' });
    expect(await check({ found: 'a', known: 'a', hasContainers: true })).toMatchObject({ outcome: 'goes on' });
  });

  it('of another cluster is not, while containers of the first run here', async () => {
    const { outcome, remembered } = await check({ found: 'b', known: 'a', hasContainers: true });
    expect(outcome).toMatch(/another cluster \(b\) .* \(a\); .* --cluster b/);
    expect(remembered).toBe('a');
  });

  it('of another cluster is taken when there is nothing of the first, or when the operator says so', async () => {
    expect(await check({ found: 'b', known: 'a', hasContainers: false })).toEqual({
      outcome: 'goes on',
      remembered: 'b',
    });
    const meant = { found: 'b', known: 'a', hasContainers: true, expected: 'b' };
    expect(await check(meant)).toEqual({ outcome: 'goes on', remembered: 'b' });
    expect((await check({ ...meant, found: 'c' })).outcome).toMatch(/another cluster \(c\)/);
  });

  it('that does not say which cluster it is of is gone on with, unless it did before', async () => {
    expect((await check({ found: 'forbidden', hasContainers: true })).outcome).toBe('goes on');
    expect((await check({ found: 'forbidden', known: 'a', hasContainers: true })).outcome).toMatch(/namespaces/);
  });
});
