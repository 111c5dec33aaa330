/** How Dobby calls the hooks of a point (`executeHooks`), step by step, against containers that run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HookPoint, hookPoints } from '../../../src/hooks/plugin.ts';
import { eventsOf, untilEvent } from '../../support/faults.ts';
import { runsForever, testHob } from '../../support/hob.ts';
import {
  type Behaviours,
  callOf,
  callsOf,
  hints,
  oneByOne,
  openGate,
  overlap,
  putTraced,
  putTracedScript,
  storyOf,
  untilHook,
} from '../../support/traced-plugins.ts';

const hob = testHob();

/** Neither in the order of their names nor in the reverse of it. */
const inSpecOrder = ['mid', 'zeta', 'alpha'] as const;

beforeAll(async () => {
  for (const name of inSpecOrder) putTraced(hob, name, hints.sync);
  for (const name of ['left', 'right']) putTraced(hob, name, hints.async);
  for (const name of ['script-a', 'script-b']) putTracedScript(hob, name, hints.sync);
  putTraced(hob, 'both', hints.sync | hints.async);
  putTracedScript(hob, 'late', 4);
  await hob.start();
});
afterAll(() => hob.dispose());

interface Use {
  readonly name: string;
  readonly data?: Behaviours;
  readonly required?: boolean;
  readonly timeoutSeconds?: number;
}

const drop = (name: string, plugins: readonly (string | Use)[]): void =>
  hob.drop(name, {
    command: runsForever,
    plugins: plugins.map((use) => (typeof use === 'string' ? { name: use } : use)),
  });

async function remove(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
}

/** From its start to its end. */
async function liveThrough(name: string, plugins: readonly (string | Use)[]): Promise<void> {
  drop(name, plugins);
  await hob.untilPhase(name, 'Running');
  for (const use of plugins) await untilHook(hob, name, typeof use === 'string' ? use : use.name, 'postStart');
  await remove(name);
}

const everywhere = <How>(how: How): Partial<Record<HookPoint, How>> =>
  Object.fromEntries(hookPoints.map((point) => [point, how]));

const at = (name: string, point: HookPoint) => callsOf(hob, name).filter((call) => call.point === point);
const namesAt = (name: string, point: HookPoint): string[] => at(name, point).map(({ plugin }) => plugin);

describe('1.5 1: a configured plugin', () => {
  it('1.5 1: that is not known holds the container until it comes (Dobby: a warning, and the container starts without)', async () => {
    drop('waits', ['mid', 'unknown']);
    await untilEvent(hob, 'default/waits', 'PluginNotFound', /unknown/);
    expect(hob.get('waits')?.status).toMatchObject({ phase: 'Pending' });
    expect(storyOf(hob, 'waits')).toEqual([]);
    putTraced(hob, 'unknown', hints.sync);
    await untilHook(hob, 'waits', 'unknown', 'postStart');
    await remove('waits');
  });

  it('1.5 1: that is not known and not required is skipped, and told of', async () => {
    drop('skips', [{ name: 'nobody', required: false }, 'mid']);
    await untilHook(hob, 'skips', 'mid', 'postStart');
    await untilEvent(hob, 'default/skips', 'PluginNotFound', /nobody/);
    await remove('skips');
    expect(storyOf(hob, 'skips', 'mid')).toEqual(hookPoints);
  });

  it('1.5 1: without a bit for a point is not called there', async () => {
    await liveThrough('bits', ['late']);
    expect(storyOf(hob, 'bits')).toEqual(['late postStart']);
  });

  it('1.5 1: with both bits is asynchronous: it waits for one that comes after it', async () => {
    await liveThrough('both-bits', [
      { name: 'both', data: everywhere(['mid']) },
      { name: 'mid', data: everywhere('pause') },
    ]);
    for (const point of hookPoints)
      expect(overlap(callOf(hob, 'both-bits', 'both', point), callOf(hob, 'both-bits', 'mid', point))).toBe(true);
  });

  it('1.5 1: that is matched byte for byte: another case is another name', async () => {
    drop('case', ['Mid']);
    await untilEvent(hob, 'default/case', 'PluginNotFound', /Mid/);
    await remove('case');
    expect(storyOf(hob, 'case')).toEqual([]);
  });
});

describe('1.5 3: asynchronous hooks', () => {
  it('1.5 3: all begin before the first synchronous one, wherever the spec names them', async () => {
    await liveThrough('async-first', ['mid', 'left', 'zeta', 'right']);
    for (const point of hookPoints) {
      const order = namesAt('async-first', point);
      expect(order.slice(0, 2).toSorted()).toEqual(['left', 'right']);
      expect(order.slice(2).toSorted()).toEqual(['mid', 'zeta']);
    }
  });

  it('1.5 3: run side by side with each other and with all the synchronous ones', async () => {
    await liveThrough('side-by-side', [
      { name: 'left', data: everywhere(['right', ...inSpecOrder]) },
      { name: 'right', data: everywhere(['left', ...inSpecOrder]) },
      ...inSpecOrder.map((name) => ({ name, data: everywhere('pause' as const) })),
    ]);
    for (const point of hookPoints) {
      const left = callOf(hob, 'side-by-side', 'left', point);
      for (const other of at('side-by-side', point)) expect(overlap(left, other)).toBe(true);
    }
  });

  it('1.5 3: are waited for before the next point', async () => {
    drop('joined', [{ name: 'left', data: { postConstruction: 'wait' } }, 'mid']);
    await untilHook(hob, 'joined', 'mid', 'postConstruction');
    hob.drop('meanwhile', { command: runsForever });
    await hob.untilPhase('meanwhile', 'Running');
    // Both run by then, in threads of their own: which of them writes first is chance.
    expect(storyOf(hob, 'joined').toSorted()).toEqual(['left postConstruction', 'mid postConstruction']);
    openGate(hob, 'joined');
    await untilHook(hob, 'joined', 'mid', 'postStart');
    const [left, next] = [callOf(hob, 'joined', 'left', 'postConstruction'), callOf(hob, 'joined', 'mid', 'preStart')];
    expect(left.endedAt).toBeLessThan(next.beganAt);
    for (const name of ['joined', 'meanwhile']) await remove(name);
  });
});

describe('1.5 3: synchronous hooks', () => {
  const pauses = inSpecOrder.map((name) => ({ name, data: everywhere('pause' as const) }));

  it('1.5 3: run one at a time, each when the one before has ended', async () => {
    await liveThrough('one-by-one', pauses);
    for (const point of hookPoints) {
      expect(at('one-by-one', point)).toHaveLength(3);
      expect(oneByOne(at('one-by-one', point))).toBe(true);
    }
  });

  it('1.5 3: run in the order of the spec (Dobby: in the reverse order of their names)', async () => {
    await liveThrough('in-order', pauses);
    for (const point of ['postConstruction', 'preStart', 'postStart'] as const)
      expect(namesAt('in-order', point)).toEqual(inSpecOrder);
  });

  it('1.5 3: run in the reverse order of the spec at the end of a container (Dobby: in the same order as at the start)', async () => {
    await liveThrough('in-reverse', pauses);
    for (const point of ['postStop', 'preDestruction'] as const)
      expect(namesAt('in-reverse', point)).toEqual(inSpecOrder.toReversed());
  });

  it('1.5 3: run one at a time when they are executables, too', async () => {
    const scripts = ['script-b', 'script-a'].map((name) => ({ name, data: everywhere('pause' as const) }));
    await liveThrough('scripts', scripts);
    for (const point of hookPoints) {
      const isEnd = point === 'postStop' || point === 'preDestruction';
      expect(namesAt('scripts', point)).toEqual(isEnd ? ['script-a', 'script-b'] : ['script-b', 'script-a']);
      expect(oneByOne(at('scripts', point))).toBe(true);
    }
  });
});

describe('1.5: the outcome of a point', () => {
  it('1.5: every hook runs though others have failed, before it or beside it', async () => {
    drop('all-run', [
      { name: 'mid', data: { postConstruction: 'fail' } },
      { name: 'left', data: { postConstruction: 'throw' } },
      'zeta',
      'right',
    ]);
    await untilHook(hob, 'all-run', 'zeta', 'preDestruction');
    expect(namesAt('all-run', 'postConstruction').toSorted()).toEqual(['left', 'mid', 'right', 'zeta']);
    await remove('all-run');
  });

  it.each(['mid', 'zeta', 'left'])('1.5: it is the AND of all: %s alone makes it fail', async (failing) => {
    const name = `and-${failing}`;
    const plugins = ['mid', 'zeta', 'left'].map((each): Use => ({
      name: each,
      ...(each === failing && { data: { postConstruction: 'fail' } }),
    }));
    drop(name, plugins);
    await untilEvent(hob, `default/${name}`, 'BackOff', /./);
    await remove(name);
    expect(new Set(callsOf(hob, name).map(({ point }) => point))).toEqual(
      new Set(['postConstruction', 'preDestruction']),
    );
  });

  it('1.5: hooks of plugins that are not required are no part of the AND (Dobby writes `required` and never reads it)', async () => {
    drop('optional', [
      { name: 'mid', data: { postConstruction: 'fail', preStart: 'throw' }, required: false },
      { name: 'zeta' },
    ]);
    await untilHook(hob, 'optional', 'zeta', 'postStart');
    await untilEvent(hob, 'default/optional', 'HookFailed', /plugin mid, postConstruction/);
    await untilEvent(hob, 'default/optional', 'HookThrew', /plugin mid, preStart: .*no luck/);
    await remove('optional');
    expect(storyOf(hob, 'optional', 'mid')).toEqual(hookPoints);
  });

  it('1.5: a hook that never ends is given up at its time limit (Dobby waits for it for ever, and with it everybody)', async () => {
    drop('no-end', [{ name: 'mid', data: { preStart: 'never' }, timeoutSeconds: 1 }, 'zeta']);
    await untilEvent(hob, 'default/no-end', 'HookTimedOut', /^plugin mid, preStart: it did not end within 1 s/);
    await untilHook(hob, 'no-end', 'zeta', 'preDestruction');
    expect(storyOf(hob, 'no-end', 'zeta')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
    await remove('no-end');
  });

  it.each([
    ['a synchronous hook', 'it unwinds through the daemon', 'mid'],
    ['an asynchronous hook', 'it ends the daemon', 'left'],
  ])('1.5: what %s throws is a failure with its words (Dobby: %s)', async (_hook, _dobby, plugin) => {
    const name = `throws-${plugin}`;
    const pid = hob.pid;
    drop(name, [{ name: plugin, data: { preStart: 'throw' } }, 'zeta']);
    await untilEvent(hob, `default/${name}`, 'HookThrew', new RegExp(`^plugin ${plugin}, preStart: .*no luck`));
    await untilHook(hob, name, plugin, 'preDestruction');
    expect(hob.tryCli('get').code).toBe(0);
    expect(hob.pid).toBe(pid);
    await remove(name);
    const reasons = eventsOf(hob).flatMap(({ container, reason }) => (container === `default/${name}` ? [reason] : []));
    expect(reasons).not.toContain('Started');
  });

  it('1.5: what is neither true nor false is a failure', async () => {
    drop('number', [{ name: 'mid', data: { postConstruction: 'number' } }]);
    await untilEvent(hob, 'default/number', 'BadAnswer', /^plugin mid, postConstruction: it answered with number/);
    await remove('number');
  });
});
