import { describe, expect, it } from 'vitest';
import { createDesiredStore } from '../../src/controller/desired-store.ts';
import type { DesiredStore, Remembered } from '../../src/controller/desired-store.ts';
import type { Container, SpecMistake } from '../../src/api/container.ts';
import type { SourceSink } from '../../src/sources/source.ts';
import { aSpec } from '../support/specs.ts';

const named = (name: string, change = {}): Container => ({
  apiVersion: 'hob.dev/v1alpha1',
  kind: 'Container',
  metadata: { name, namespace: 'default' },
  spec: aSpec(change),
});
const mistake = (origin: string): SpecMistake => ({ origin, line: 1, column: 1, path: 'spec', message: 'wrong' });
const valid = (...containers: Container[]) => ({ containers, mistakes: [] });

function aStore(options: { sources?: string[]; remembered?: Remembered[] } = {}) {
  const changed: string[] = [];
  const told: string[] = [];
  const store: DesiredStore = createDesiredStore({
    sources: options.sources ?? ['one'],
    remembered: options.remembered ?? [],
    onChange: (key) => changed.push(key),
    onSynced: (source) => told.push(`${source} synced`),
    onUnavailable: (source, reason) => told.push(`${source} ${reason ?? 'available'}`),
    onMistakes: (origin, mistakes) => told.push(`${origin} has ${mistakes.length} mistakes`),
  });
  return { store, changed, told, sink: (source = 'one'): SourceSink => store.sinkFor(source) };
}

describe('the desired store', () => {
  it('counts generations up when the content changes, and only then', () => {
    const { store, sink } = aStore();
    sink().declare('/a.yaml', valid(named('web')));
    expect(store.get('default/web')?.desired.generation).toBe(1);
    sink().declare('/a.yaml', valid(named('web')));
    expect(store.get('default/web')?.desired.generation).toBe(1);
    sink().declare('/a.yaml', valid(named('web', { hostname: 'other' })));
    expect(store.get('default/web')?.desired.generation).toBe(2);
  });

  it('goes on with the generation from before a restart', () => {
    const first = aStore();
    first.sink().declare('/a.yaml', valid(named('web')));
    const { contentHash = '' } = first.store.get('default/web') ?? {};
    const claim = { source: 'one', origin: '/a.yaml' };
    const { store, sink } = aStore({ remembered: [{ key: 'default/web', claim, generation: 7, contentHash }] });
    sink().declare('/a.yaml', valid(named('web')));
    expect(store.get('default/web')?.desired.generation).toBe(7);
    sink().declare('/a.yaml', valid(named('web', { hostname: 'other' })));
    expect(store.get('default/web')?.desired.generation).toBe(8);
  });

  it('leaves a name with whoever claimed it first, and names the others', () => {
    const { store, sink } = aStore();
    sink().declare('/b.yaml', valid(named('web', { hostname: 'b' })));
    sink().declare('/a.yaml', valid(named('web', { hostname: 'a' })));
    const wanted = store.get('default/web');
    expect(wanted?.desired.spec.hostname).toBe('b');
    expect(wanted?.rivals).toEqual([{ source: 'one', origin: '/a.yaml' }]);
    sink().withdraw('/b.yaml');
    expect(store.get('default/web')?.desired.spec.hostname).toBe('a');
  });

  it('leaves a name with its owner over a restart, whichever file is read first', () => {
    const claim = { source: 'one', origin: '/b.yaml' };
    const { store, sink } = aStore({ remembered: [{ key: 'default/web', claim, generation: 1, contentHash: '' }] });
    sink().declare('/a.yaml', valid(named('web', { hostname: 'a' })));
    expect(store.get('default/web')).toBeUndefined();
    sink().declare('/b.yaml', valid(named('web', { hostname: 'b' })));
    expect(store.get('default/web')?.desired.spec.hostname).toBe('b');
    sink().synced();
    expect(store.get('default/web')?.desired.spec.hostname).toBe('b');
  });

  it('gives a name to another file of its source once that was read, whatever other sources do', () => {
    const claim = { source: 'one', origin: '/a.yaml' };
    const remembered = [{ key: 'default/web', claim, generation: 1, contentHash: '' }];
    const { store, sink } = aStore({ sources: ['one', 'two'], remembered });
    sink('two').unavailable('it is not there');
    sink('one').declare('/b.yaml', valid(named('web')));
    expect(store.get('default/web')).toBeUndefined();
    sink('one').synced();
    expect(store.get('default/web')?.claim.origin).toBe('/b.yaml');
  });

  it('keeps what it remembers in force while the source that declared it cannot be read, and no longer', () => {
    const claim = { source: 'one', origin: '/a.yaml' };
    const remembered = [{ key: 'default/web', claim, generation: 1, contentHash: '' }];
    const { store, sink, told } = aStore({ sources: ['one', 'two'], remembered });
    expect(store.staysInForce('default/web')).toBe(false);
    sink('two').unavailable('it is not there');
    expect(store.staysInForce('default/web')).toBe(false);
    sink('one').unavailable('it hangs');
    expect(store.staysInForce('default/web')).toBe(true);
    sink('one').synced();
    expect(store.staysInForce('default/web')).toBe(false);
    expect(told).toEqual(['two it is not there', 'one it hangs', 'one available', 'one synced']);
  });

  it('follows a file that was renamed', () => {
    const { store, sink } = aStore();
    sink().declare('/a.yaml', valid(named('web')));
    const before = store.get('default/web');
    sink().declare('/b.yaml', valid(named('web')));
    sink().withdraw('/a.yaml');
    expect(store.get('default/web')).toEqual({ ...before, claim: { source: 'one', origin: '/b.yaml' } });
    expect(store.mayRemove('default/web')).toBe(false);
  });

  it('keeps the last good version while a file has mistakes', () => {
    const { store, sink, told } = aStore();
    sink().synced();
    sink().declare('/a.yaml', valid(named('web'), named('db')));
    sink().declare('/a.yaml', { containers: [named('db')], mistakes: [mistake('/a.yaml')] });
    expect(store.get('default/web')?.mistakes).toHaveLength(1);
    expect(store.mayRemove('default/web')).toBe(false);
    sink().declare('/a.yaml', valid(named('db')));
    expect(store.get('default/web')).toBeUndefined();
    expect(store.mayRemove('default/web')).toBe(true);
    expect(told).toEqual(['one synced', '/a.yaml has 1 mistakes', '/a.yaml has 0 mistakes']);
  });

  it('holds on to what a file declared before a restart while it has mistakes', () => {
    const claim = { source: 'one', origin: '/a.yaml' };
    const { store, sink, changed } = aStore({
      remembered: [{ key: 'default/web', claim, generation: 1, contentHash: '' }],
    });
    sink().declare('/a.yaml', { containers: [], mistakes: [mistake('/a.yaml')] });
    sink().synced();
    expect(store.mayRemove('default/web')).toBe(false);
    expect(store.mistakesAbout('default/web')).toHaveLength(1);
    expect(changed).toContain('default/web');
    sink().declare('/a.yaml', valid());
    expect(store.mayRemove('default/web')).toBe(true);
  });

  it('lets nothing go before every source has been read', () => {
    const claim = { source: 'one', origin: '/a.yaml' };
    const remembered = [{ key: 'default/web', claim, generation: 1, contentHash: '' }];
    const { store, sink } = aStore({ sources: ['one', 'two'], remembered });
    sink('one').synced();
    expect(store.mayRemove('default/web')).toBe(false);
    sink('two').synced();
    expect(store.mayRemove('default/web')).toBe(true);
  });

  it('lets go what was taken back before its eyes, though another source cannot be read', () => {
    const { store, sink } = aStore({ sources: ['one', 'two'] });
    sink('one').declare('/a.yaml', valid(named('web')));
    sink('two').unavailable('it is not there');
    sink('one').withdraw('/a.yaml');
    expect(store.mayRemove('default/web')).toBe(true);
  });

  it('removes nothing when a source becomes unavailable', () => {
    const { store, sink, told } = aStore();
    sink().declare('/a.yaml', valid(named('web')));
    sink().synced();
    sink().unavailable('unmounted');
    expect(store.get('default/web')).toBeDefined();
    expect(store.sources()).toMatchObject([{ name: 'one', unavailable: 'unmounted', containers: 1 }]);
    sink().unavailable(undefined);
    expect(told).toEqual(['one synced', 'one unmounted', 'one available']);
  });

  it('wants nothing any more once abandoned', () => {
    const { store, sink } = aStore({ sources: ['one', 'two'] });
    sink().declare('/a.yaml', valid(named('web')));
    store.abandon();
    expect(store.get('default/web')).toBeUndefined();
    expect(store.mayRemove('default/web')).toBe(true);
  });
});
