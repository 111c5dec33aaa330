import { changeHashes } from '../../../src/api/hash.ts';
import type { Container } from '../../../src/api/container.ts';
import { parseSpecs } from '../../../src/api/parse.ts';
import { memoryBytes } from '../../../src/api/quantity.ts';
import type { DesiredStore } from '../../../src/controller/desired-store.ts';
import { monotonic } from './clock.ts';
import { pluginHints } from './plugins.ts';

/** Two places where specs are: of one, containers 0 and 1, of the other, container 2. */
export const sources = ['first', 'second'] as const;
export type SourceName = (typeof sources)[number];
export const names = ['c0', 'c1', 'c2'] as const;
export type Name = (typeof names)[number];
const sourceOf = (name: Name): SourceName => (name === 'c2' ? 'second' : 'first');
const originOf = (name: Name): string => `${name}.yaml`;

/** What the walk lets people want of a container. */
export interface Wish {
  readonly command: readonly string[];
  readonly policy: 'Always' | 'OnFailure' | 'Never';
  readonly state: 'Running' | 'Paused' | 'Stopped';
  readonly memory: '32Mi' | '64Mi' | undefined;
  readonly plugins: readonly { readonly name: string; readonly required: boolean }[];
}

/** What people want, and since when. */
export interface Wanted {
  readonly wish: Wish;
  readonly container: Container;
  readonly hash: ReturnType<typeof changeHashes>;
  readonly memory: number;
}

export type Wishes = ReturnType<typeof createWishes>;

/** What the sources hold, which hob is to read. It may be unreadable, or wrong, for a while. */
export function createWishes() {
  const wanted = new Map<Name, Wanted>();
  const changedAt = new Map<Name, number>();
  const unreadable = new Set<SourceName>();
  /** A file that has a mistake now. */
  const wrong = new Set<Name>();
  /** Changed where hob cannot read it yet. */
  const unseen = new Set<Name>();
  let store: DesiredStore | undefined;

  function tell(name: Name): void {
    const source = sourceOf(name);
    if (!store || unreadable.has(source)) return;
    const sink = store.sinkFor(source);
    const one = wanted.get(name);
    if (wrong.has(name)) sink.declare(originOf(name), { containers: [], mistakes: [mistakeIn(originOf(name))] });
    else if (one) sink.declare(originOf(name), { containers: [one.container], mistakes: [] });
    else sink.withdraw(originOf(name));
  }

  function readAll(source: SourceName): void {
    for (const name of names) if (sourceOf(name) === source && (wanted.has(name) || wrong.has(name))) tell(name);
    store?.sinkFor(source).synced();
  }

  function changed(name: Name): void {
    changedAt.set(name, monotonic());
    unseen[wrong.has(name) || unreadable.has(sourceOf(name)) ? 'add' : 'delete'](name);
  }

  /** For hob, it is now that it changes. */
  const maybeSeen = (name: Name): void => {
    if (unseen.has(name)) changed(name);
  };

  return {
    wanted,
    /** When hob could read what is wanted; Infinity while it cannot. */
    changedAt: (name: Name): number => (unseen.has(name) ? Infinity : (changedAt.get(name) ?? 0)),
    declare(name: Name, wish: Wish): void {
      wanted.set(name, wantedOf(name, wish));
      changed(name);
      tell(name);
    },
    withdraw(name: Name): void {
      if (!wanted.delete(name) && !wrong.has(name)) return;
      wrong.delete(name);
      changed(name);
      tell(name);
    },
    /** Half a file, say. What it said last stays in force. */
    spoil(name: Name): void {
      wrong.add(name);
      tell(name);
    },
    mend(name: Name): void {
      if (!wrong.delete(name)) return;
      maybeSeen(name);
      tell(name);
    },
    readable(source: SourceName, isReadable: boolean): void {
      if (isReadable === !unreadable.has(source)) return;
      if (!isReadable) {
        unreadable.add(source);
        store?.sinkFor(source).unavailable('the walk says so');
        return;
      }
      unreadable.delete(source);
      store?.sinkFor(source).unavailable(undefined);
      const own = names.filter((name) => sourceOf(name) === source);
      own.forEach(maybeSeen);
      own.forEach(tell);
      store?.sinkFor(source).synced();
    },
    /** A new hob asks. */
    follow(next: DesiredStore): void {
      store = next;
      for (const source of sources)
        if (unreadable.has(source)) store.sinkFor(source).unavailable('the walk says so');
        else readAll(source);
    },
    unfollow: (): void => void (store = undefined),
  };
}

const mistakeIn = (origin: string) => ({ origin, line: 1, column: 1, path: '', message: 'is half a file' });

const parsed = new Map<string, Wanted>();

/** As a file would be read; each once, since it takes most of the time of a walk. */
function wantedOf(name: Name, wish: Wish): Wanted {
  const text = JSON.stringify(specOf(name, wish));
  const known = parsed.get(text) ?? { wish, ...readSpec(text) };
  parsed.set(text, known);
  return known;
}

function readSpec(text: string): Omit<Wanted, 'wish'> {
  const { containers, mistakes } = parseSpecs(text, 'walk');
  const [container] = containers;
  if (!container) throw new Error(`the walk's own spec is wrong: ${JSON.stringify(mistakes)}`);
  const memory = container.spec.resources?.memory;
  return { container, hash: changeHashes(container.spec), memory: memory === undefined ? -1 : memoryBytes(memory) };
}

const specOf = (name: Name, { command, policy, state, memory, plugins }: Wish): object => ({
  apiVersion: 'hob.dev/v1alpha1',
  kind: 'Container',
  metadata: { name },
  spec: {
    rootfs: { path: '/srv/rootfs' },
    command,
    restartPolicy: policy,
    desiredState: state,
    ...(memory && { resources: { memory } }),
    plugins: plugins.map((use) => ({ ...use, timeoutSeconds: 5 })),
  },
});

export const pluginNames = Object.keys(pluginHints);
