import { afterEach, expect, it } from 'vitest';
import { wordsOf } from '../../src/host/errors.ts';
import type { ApiClient, Query, WatchOptions } from '../../src/sources/kubernetes/api-client.ts';
import { ApiError } from '../../src/sources/kubernetes/api-error.ts';
import { reflect, type Reflector } from '../../src/sources/kubernetes/reflector.ts';
import type { KubeObject } from '../../src/sources/kubernetes/resource.ts';

// Against a server, all of this is in test/kubernetes; here it is what a server does once in a hundred days.

let reflector: Reflector | undefined;
afterEach(() => reflector?.stop());

const object = (name: string, resourceVersion: string): KubeObject => ({
  metadata: { name, uid: name, resourceVersion },
});
const line = (type: string, of: object): string => JSON.stringify({ type, object: of });

interface Script {
  /** What each list answers, in turn; the last again and again. */
  readonly lists: (() => object)[];
  /** What each watch does, in turn; then watches are silent. */
  readonly watches?: ((onLine: (line: string) => void) => void)[];
}

/** Follows a server that does what is written; answers what was asked of it and what was told, a line each. */
function follow({ lists, watches = [] }: Script): { asked: string[]; told: string[] } {
  const [asked, told]: string[][] = [[], []];
  const turn = <T>(all: T[]): T | undefined => (all.length > 1 ? all.shift() : all[0]);
  const client: ApiClient = {
    get: async (_, query: Query = {}) => {
      asked?.push(`list${query['continue'] ? ` after ${String(query['continue'])}` : ''}`);
      return (turn(lists)?.() ?? {}) as never;
    },
    watch: async (_, query: Query, onLine, { signal, onOpen }: WatchOptions) => {
      asked?.push(`watch from ${String(query['resourceVersion'])}`);
      const script = watches.shift();
      onOpen();
      if (script) return script(onLine);
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    },
    create: () => Promise.reject(new Error('not here')),
    patch: () => Promise.reject(new Error('not here')),
    close: () => undefined,
  };
  reflector = reflect<KubeObject>({
    client,
    path: '/x',
    keyOf: ({ metadata }) => metadata.name,
    sink: {
      seen: ({ metadata }) => told?.push(`seen ${metadata.name} ${metadata.resourceVersion}`),
      deleted: ({ metadata }) => told?.push(`deleted ${metadata.name}`),
      listed: (keys) => told?.push(`listed ${[...keys].join(' ')}`),
      unavailable: (error) => told?.push(error === undefined ? 'available' : `unavailable: ${wordsOf(error)}`),
    },
    pace: { firstPauseMs: 1, longestPauseMs: 8 },
  });
  return { asked: asked ?? [], told: told ?? [] };
}

const until = (holds: () => boolean): Promise<void> => expect.poll(holds, { interval: 1 }).toBe(true);
const list =
  (version: string, ...items: object[]) =>
  () => ({ metadata: { resourceVersion: version }, items });

it('reads a large collection in pages, and watches from there', async () => {
  const { asked, told } = follow({
    lists: [
      () => ({ metadata: { resourceVersion: '7', continue: 'next' }, items: [object('a', '1')] }),
      list('7', object('b', '2')),
    ],
    watches: [
      (onLine) => {
        onLine(line('MODIFIED', object('a', '8')));
        onLine(line('BOOKMARK', object('', '11')));
        onLine(line('DELETED', object('b', '12')));
      },
    ],
  });
  await until(() => asked.length === 4);
  expect(asked).toEqual(['list', 'list after next', 'watch from 7', 'watch from 12']);
  expect(told).toEqual([
    'seen a 1',
    'seen b 2',
    'available',
    'listed a b',
    'available',
    'seen a 8',
    'deleted b',
    'available',
  ]);
});

it('goes on from a bookmark after the server has ended the watch, without reading all again', async () => {
  const { asked } = follow({ lists: [list('7')], watches: [(onLine) => onLine(line('BOOKMARK', object('', '20')))] });
  await until(() => asked.length === 3);
  expect(asked).toEqual(['list', 'watch from 7', 'watch from 20']);
});

it('reads all again when the server does not remember that far back', async () => {
  const gone = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
  const { asked, told } = follow({
    lists: [list('7', object('a', '1'), object('b', '2')), list('30', object('a', '1'))],
    watches: [(onLine) => onLine(line('ERROR', gone))],
  });
  await until(() => asked.length === 4);
  expect(asked).toEqual(['list', 'watch from 7', 'list', 'watch from 30']);
  // Who is not listed any more is known to be gone by the listing, and nothing was unavailable.
  expect(told.filter((words) => words.startsWith('listed'))).toEqual(['listed a b', 'listed a']);
  expect(told.join()).not.toContain('unavailable');
});

it('a server that forgets at once, or closes each watch at once, is asked less and less often', async () => {
  const gone = { code: 410, reason: 'Expired', message: 'too old' };
  const again = Array.from({ length: 200 }, (_, n) => (onLine: (line: string) => void) => {
    if (n % 2 === 0) onLine(line('ERROR', gone));
  });
  const { asked } = follow({ lists: [list('7')], watches: again });
  const began = performance.now();
  await until(() => asked.length > 20);
  // Pauses of 1, 2, 4, 8, 8, ... ms and at least half of each.
  expect(asked.length / (performance.now() - began)).toBeLessThan(0.75);
});

it('a listing that breaks off says nothing of what is gone', async () => {
  const refuse = (): object => {
    throw new ApiError(500, 'InternalError', 'etcd is ill');
  };
  const { told } = follow({
    lists: [
      () => ({ metadata: { resourceVersion: '7', continue: 'next' }, items: [object('a', '1')] }),
      refuse,
      list('9', object('a', '1'), object('b', '2')),
    ],
  });
  await until(() => told.some((words) => words.startsWith('listed')));
  expect(told).toEqual([
    'seen a 1',
    'unavailable: etcd is ill',
    'seen a 1',
    'seen b 2',
    'available',
    'listed a b',
    'available',
  ]);
});

it('reads all again when the collection was away, and when asked to', async () => {
  const missing = (): object => {
    throw new ApiError(404, 'NotFound', 'the server could not find the requested resource');
  };
  const { asked } = follow({
    lists: [list('7'), list('9')],
    watches: [missing],
  });
  await until(() => asked.length === 4);
  expect(asked).toEqual(['list', 'watch from 7', 'list', 'watch from 9']);
  reflector?.readAnew();
  await until(() => asked.length === 6);
  reflector?.suspect();
  await until(() => asked.length === 7);
  expect(asked.slice(4)).toEqual(['list', 'watch from 9', 'watch from 9']);
});

it('is over when it is stopped', async () => {
  const { asked, told } = follow({ lists: [list('7')] });
  await until(() => asked.length === 2);
  reflector?.stop();
  const before = [...told];
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(asked).toHaveLength(2);
  expect(told).toEqual(before);
});
