import { describe, expect, it } from 'vitest';
import { isDeclared, nextWrite, partIn, type Situation } from '../../src/sources/kubernetes/part.ts';
import { finalizer, type ContainerResource } from '../../src/sources/kubernetes/resource.ts';

interface Facts {
  readonly isMeant?: boolean;
  readonly isHere?: boolean;
  readonly taker?: string;
  readonly isHeld?: boolean;
  readonly isBeingDeleted?: boolean;
  readonly nodeName?: string;
}

function situation({ isMeant = true, isHere = false, taker, isHeld = true, ...rest }: Facts): Situation {
  const resource: ContainerResource = {
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'u',
      resourceVersion: '1',
      ...(isHeld && { finalizers: ['other.example/x', finalizer] }),
      ...(rest.isBeingDeleted && { deletionTimestamp: '2026-11-29T00:00:00Z' }),
    },
    spec: { ...(rest.nodeName && { nodeName: rest.nodeName }) },
    status: { ...(taker !== undefined && { nodeName: taker }) },
  };
  return { resource, node: 'one', isMeant, isHere };
}

/** What this node does: its part, whether the container is to be here, and what it writes next. */
function does(facts: Facts): string {
  const one = situation(facts);
  const part = partIn(one);
  return [part, isDeclared(part, one) ? 'runs' : 'runs not', nextWrite(part, one) ?? 'writes nothing'].join(', ');
}

describe('what is meant for this node', () => {
  it.each<[Facts, string]>([
    [{ isHeld: false }, 'take, runs not, addFinalizer'],
    [{ isHeld: true }, 'take, runs not, claim'],
    [{ taker: 'one' }, 'keep, runs, status'],
    [{ taker: 'one', isHere: true }, 'keep, runs, status'],
    [{ taker: '' }, 'take, runs not, claim'],
  ])('%j: %s', (facts, expected) => expect(does(facts)).toBe(expected));

  it('and whose finalizer somebody took off runs on while it is put back', () =>
    expect(does({ taker: 'one', isHeld: false })).toBe('take, runs, addFinalizer'));

  it('and runs here though the server has forgotten that is kept, and taken on anew', () =>
    expect(does({ isHere: true })).toBe('take, runs, claim'));
});

describe('what another node has', () => {
  it('is left alone, and waited for if its spec names this node', () => {
    expect(does({ taker: 'two' })).toBe('ignore, runs not, writes nothing');
    expect(does({ taker: 'two', nodeName: 'one' })).toBe('wait, runs not, writes nothing');
  });

  it('and runs here all the same goes, and nothing is written to it', () => {
    expect(does({ taker: 'two', isHere: true })).toBe('leave, runs not, writes nothing');
    // Its finalizer is the other node's business as well: here it only says that nothing is left.
    expect(does({ taker: 'two', isMeant: false })).toBe('ignore, runs not, writes nothing');
  });
});

describe('what is no longer meant for this node', () => {
  it('is torn down, then let go of: the finalizer first, so that its deletion never waits for nobody', () => {
    expect(does({ isMeant: false, taker: 'one', isHere: true })).toBe('leave, runs not, status');
    expect(does({ isMeant: false, taker: 'one' })).toBe('leave, runs not, removeFinalizer');
    expect(does({ isMeant: false, taker: 'one', isHeld: false })).toBe('leave, runs not, release');
    expect(does({ isMeant: false, isHeld: false })).toBe('ignore, runs not, writes nothing');
  });
});

describe('what is being deleted', () => {
  it('is torn down first', () => {
    expect(does({ taker: 'one', isHere: true, isBeingDeleted: true })).toBe('leave, runs not, status');
    expect(does({ taker: 'one', isBeingDeleted: true })).toBe('leave, runs not, removeFinalizer');
    expect(does({ taker: 'one', isHeld: false, isBeingDeleted: true })).toBe('ignore, runs not, writes nothing');
  });

  it('before anybody took it on goes at once, whoever sees it', () => {
    expect(does({ isBeingDeleted: true })).toBe('leave, runs not, removeFinalizer');
    expect(does({ isBeingDeleted: true, isMeant: false })).toBe('leave, runs not, removeFinalizer');
  });

  it('on another node is none of our business', () =>
    expect(does({ taker: 'two', isBeingDeleted: true })).toBe('ignore, runs not, writes nothing'));
});
