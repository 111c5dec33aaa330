/**
 * When hooks run, and what becomes of those that do not end, against containers that run. Proven by the order in which the plugins noted
 * in one file that a hook begins and that it ends; how long anything took is never asserted.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Container } from '../../src/api/container.ts';
import { type HookPoint, hookPoints } from '../../src/hooks/plugin.ts';
import { untilEvent } from '../support/faults.ts';
import { isAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
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
  type TracedCall,
  untilHook,
} from '../support/traced-plugins.ts';

const hob = testHob();

/** With `data: { obeys: POINT }` a hook ends when its signal fires, and notes what it was told. */
const obeys = (point: HookPoint): string => `if (data?.obeys === '${point}') {
  await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
  note({ told: context.signal.reason.message });
}`;

beforeAll(async () => {
  const bodies = Object.fromEntries(hookPoints.map((point) => [point, obeys(point)]));
  for (const name of ['one', 'two']) putTraced(hob, name, hints.sync, bodies);
  for (const name of ['left', 'right']) putTraced(hob, name, hints.async, bodies);
  for (const name of ['script', 'script-too']) putTracedScript(hob, name, hints.sync, `*) trap '' TERM ;;`);
  for (const name of ['script-left', 'script-right']) putTracedScript(hob, name, hints.async);
  await hob.start();
});
afterAll(() => hob.dispose());

interface Use {
  readonly name: string;
  readonly data?: Behaviours | { readonly obeys: HookPoint };
  readonly timeoutSeconds?: number;
}

const drop = (name: string, plugins: readonly Use[]): void => hob.drop(name, { command: runsForever, plugins });

async function remove(name: string): Promise<void> {
  hob.remove(name);
  await hob.until(name, 'is gone', (one) => one === undefined);
}

const everywhere = <How>(how: How): Partial<Record<HookPoint, How>> =>
  Object.fromEntries(hookPoints.map((point) => [point, how]));
const at = (name: string, point: HookPoint): TracedCall[] => callsOf(hob, name).filter((call) => call.point === point);
const isEnd = (point: HookPoint): boolean => point === 'postStop' || point === 'preDestruction';
const endOf = (call: TracedCall): number => call.endedAt ?? Infinity;

describe('the hooks of a container', () => {
  it('run in intervals: asynchronous ones over all synchronous ones, these one by one, and no point over the next', async () => {
    const all = ['one', 'script', 'two'];
    const plugins = [
      { name: 'one', data: everywhere('pause' as const) },
      { name: 'left', data: everywhere([...all, 'right']) },
      { name: 'script', data: everywhere('pause' as const) },
      { name: 'right', data: everywhere([...all, 'left']) },
      { name: 'two', data: everywhere('pause' as const) },
    ];
    drop('intervals', plugins);
    await untilTrue(
      'postStart is over',
      () => at('intervals', 'postStart').filter(({ endedAt }) => endedAt).length === 5,
    );
    await remove('intervals');
    for (const point of hookPoints) {
      const calls = at('intervals', point);
      const sync = calls.filter(({ plugin }) => all.includes(plugin));
      expect(sync.map(({ plugin }) => plugin)).toEqual(isEnd(point) ? all.toReversed() : all);
      expect(oneByOne(sync)).toBe(true);
      const [left, right] = calls.filter(({ plugin }) => !all.includes(plugin));
      expect(left && right && overlap(left, right)).toBe(true);
      for (const call of sync) expect(left && right && overlap(left, call) && overlap(right, call)).toBe(true);
    }
    const [first = [], ...later] = hookPoints.map((point) => at('intervals', point));
    later.reduce((before, after) => {
      expect(Math.max(...before.map(endOf))).toBeLessThan(Math.min(...after.map(({ beganAt }) => beganAt)));
      return after;
    }, first);
  });

  it('overlap when they are asynchronous executables: two processes at a time', async () => {
    drop('processes', [
      { name: 'script-left', data: { preStart: 'wait' } },
      { name: 'script-right', data: { preStart: 'wait' } },
    ]);
    for (const plugin of ['script-left', 'script-right'])
      await untilHook(hob, 'processes', plugin, 'preStart', 'begun');
    expect(at('processes', 'preStart').map(({ endedAt }) => endedAt)).toEqual([undefined, undefined]);
    openGate(hob, 'processes');
    await untilHook(hob, 'processes', 'script-right', 'postStart');
    await remove('processes');
  });

  it('are only among themselves one at a time: those of another container run meanwhile, in the same plugin too', async () => {
    drop('slow', [
      { name: 'one', data: { preStart: 'wait' } },
      { name: 'script', data: {} },
    ]);
    await untilHook(hob, 'slow', 'one', 'preStart', 'begun');
    drop('quick', [{ name: 'one' }, { name: 'script' }]);
    await untilHook(hob, 'quick', 'script', 'postStart');
    await remove('quick');
    openGate(hob, 'slow');
    await untilHook(hob, 'slow', 'script', 'postStart');
    const slow = callOf(hob, 'slow', 'one', 'preStart');
    const quick = callsOf(hob, 'quick').filter(({ plugin }) => plugin === 'one');
    expect(quick).toHaveLength(5);
    for (const call of quick) expect(call.beganAt > slow.beganAt && endOf(call) < endOf(slow)).toBe(true);
    await remove('slow');
  });
});

describe('a hook that does not end', () => {
  it('is told so by its signal at its time limit, and may end by itself: its thread goes on', async () => {
    drop('obeys', [{ name: 'two', data: { obeys: 'postStart' }, timeoutSeconds: 1 }]);
    await untilEvent(
      hob,
      'default/obeys',
      'HookTimedOut',
      /^plugin two, postStart: it did not end within 1 s \(after \d+ ms\)$/,
    );
    expect(callOf(hob, 'obeys', 'two', 'postStart').noted).toEqual({ told: 'it did not end within 1 s' });
    expect(callOf(hob, 'obeys', 'two', 'postStart').endedAt).toBeDefined();
    await remove('obeys');
    expect(storyOf(hob, 'obeys', 'two')).toEqual(hookPoints);
  });

  it.each([
    ['that never settles', 'left', 'never'],
    ['that blocks its thread', 'one', 'block'],
  ] as const)(
    'because of a promise or a loop (%s) is cut off at its time limit, with its thread',
    async (_, plugin, how) => {
      const name = `cut-${how}`;
      drop(name, [{ name: plugin, data: { preStart: how }, timeoutSeconds: 1 }, { name: 'two' }]);
      const told =
        /, preStart: it did not end within 1 s, and ignored its AbortSignal; its thread was ended \(after \d+ ms\)$/;
      await untilEvent(hob, `default/${name}`, 'HookTimedOut', told);
      expect(callOf(hob, name, plugin, 'preStart').endedAt).toBeUndefined();
      await untilHook(hob, name, 'two', 'preDestruction');
      expect(storyOf(hob, name, 'two')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
      await remove(name);
    },
  );

  it('keeps nobody else waiting while it blocks: hob answers, and hooks of other containers run', async () => {
    drop('blocks', [{ name: 'one', data: { postConstruction: 'block' }, timeoutSeconds: 600 }]);
    await untilHook(hob, 'blocks', 'one', 'postConstruction', 'begun');
    const { beganAt } = callOf(hob, 'blocks', 'one', 'postConstruction');
    drop('lives', [{ name: 'two' }, { name: 'left' }, { name: 'script' }]);
    await untilHook(hob, 'lives', 'script', 'postStart');
    expect(hob.get('lives')?.status?.phase).toBe('Running');
    await remove('lives');
    expect(callsOf(hob, 'lives').every((call) => call.beganAt > beganAt)).toBe(true);
    expect(callsOf(hob, 'lives')).toHaveLength(15);
    expect(hob.get('blocks')?.status?.phase).toBe('Constructing');
    hob.remove('blocks');
    await untilEvent(
      hob,
      'default/blocks',
      'HookAborted',
      /^plugin one, postConstruction: the container is to stop, and ignored its AbortSignal; its thread was ended/,
    );
    await hob.until('blocks', 'is gone', (one) => one === undefined);
    expect(storyOf(hob, 'blocks')).toEqual(['one postConstruction', 'one preDestruction']);
  });

  it('hands those that wait for its thread to the next one, in which they begin for the first time', async () => {
    drop('in-the-way', [{ name: 'one', data: { postConstruction: 'block' }, timeoutSeconds: 600 }]);
    await untilHook(hob, 'in-the-way', 'one', 'postConstruction', 'begun');
    drop('behind', [{ name: 'one' }]);
    await untilTrue('it waits', () => hob.get('behind')?.status?.phase === 'Constructing');
    expect(storyOf(hob, 'behind')).toEqual([]);
    hob.remove('in-the-way');
    await untilHook(hob, 'behind', 'one', 'postStart');
    expect(callsOf(hob, 'behind').map(({ point, attempt }) => [point, attempt])).toEqual([
      ['postConstruction', 1],
      ['preStart', 1],
      ['postStart', 1],
    ]);
    await remove('behind');
  });

  it('is killed when it is an executable, deaf to SIGTERM or not', async () => {
    drop('deaf', [{ name: 'script', data: { preStart: 'never' }, timeoutSeconds: 1 }, { name: 'script-too' }]);
    await untilEvent(
      hob,
      'default/deaf',
      'HookTimedOut',
      /^plugin script, preStart: it did not end within 1 s; its process was killed/,
    );
    await untilHook(hob, 'deaf', 'script', 'preDestruction');
    expect(callOf(hob, 'deaf', 'script', 'preStart').endedAt).toBeUndefined();
    expect(storyOf(hob, 'deaf', 'script-too')).toEqual(['postConstruction', 'preStart', 'postStop', 'preDestruction']);
    await remove('deaf');
  });
});

describe('a plugin that dies in a hook', () => {
  it.each([
    ['a module', 'two', 'PluginCrashed', /^plugin two, preStart: its thread ended by itself, with exit code 3/],
    ['an executable, by kill -9', 'script', 'PluginCrashed', /^plugin script, preStart: .*SIGKILL/],
  ])('costs that start alone, and is there for the next call (%s)', async (_, plugin, reason, message) => {
    const name = `dies-${plugin}`;
    const { pid } = hob;
    drop(name, [{ name: plugin, data: { preStart: 'die' } }]);
    await untilEvent(hob, `default/${name}`, reason, message);
    await untilHook(hob, name, plugin, 'preDestruction');
    expect(storyOf(hob, name)).toEqual(
      ['postConstruction', 'preStart', 'postStop', 'preDestruction'].map((point) => `${plugin} ${point}`),
    );
    expect(isAlive(pid)).toBe(true);
    drop(name, [{ name: plugin }]);
    await hob.untilPhase(name, 'Running');
    await remove(name);
  });
});

describe('what is told of a hook that fails', () => {
  const failures: [Behaviours[HookPoint] & string, string, string][] = [
    ['fail', 'HookFailed', 'it answered false'],
    ['throw', 'HookThrew', 'Error: no luck'],
    ['number', 'BadAnswer', 'it answered with number where true or false was expected'],
  ];
  const cases = hookPoints.flatMap((point) => failures.map(([how, reason, words]) => ({ point, how, reason, words })));

  it.each(cases)(
    'at $point ($how): the event names plugin, hook, reason and duration, and so does the status',
    async ({ point, how, reason, words }) => {
      const name = `${how}-${point.toLowerCase()}`;
      drop(name, [{ name: 'one', data: { [point]: how } }, { name: 'two' }]);
      await untilEnded(name, point);
      const told = new RegExp(`^plugin one, ${point}: .*${words}.* \\(after \\d+ ms\\)$`);
      await untilEvent(hob, `default/${name}`, reason, told);
      if (!isEnd(point)) await expectStatus(name, point, reason, words);
      await remove(name);
    },
  );

  it('at postStop is in the status as long as the container is there', async () => {
    drop('lingers', [
      { name: 'two', data: { preDestruction: 'wait' } },
      { name: 'one', data: { postStop: 'throw' } },
    ]);
    await untilEnded('lingers', 'postStop');
    await untilHook(hob, 'lingers', 'two', 'preDestruction', 'begun');
    await expectStatus('lingers', 'postStop', 'HookThrew', 'Error: no luck');
    openGate(hob, 'lingers');
    await remove('lingers');
  });

  /** A start that fails ends by itself; one that goes well has to be ended to come to its last points. */
  async function untilEnded(name: string, point: HookPoint): Promise<void> {
    if (point === 'postConstruction' || point === 'preStart') return;
    await untilHook(hob, name, 'two', 'postStart');
    if (isEnd(point)) process.kill(callOf(hob, name, 'two', 'postStart').pid ?? 0, 'SIGKILL');
  }

  /** Of whichever instance the status is about: one that fails is followed by another. */
  async function expectStatus(name: string, point: HookPoint, reason: string, words: string): Promise<void> {
    const hooksAt = (one: Container | undefined) => one?.status?.hooks?.[point] ?? [];
    const container = await hob.until(name, `tells of ${point}`, (one) => hooksAt(one).length > 0);
    const run = hooksAt(container).find(({ plugin }) => plugin === 'one');
    expect(run).toMatchObject({ plugin: 'one', outcome: 'failed', reason, attempt: 1 });
    expect(run?.message).toContain(words);
    const number = Number(container?.status?.instanceID?.split('-').at(-1));
    const seen = callsOf(hob, name, number).find((call) => call.plugin === 'one' && call.point === point);
    // What the plugin saw of its call is a part of what hob saw.
    expect(run?.durationMs).toBeGreaterThanOrEqual(Math.floor(seen?.tookMs ?? Infinity));
    // The next instance may have begun meanwhile; it comes to the same.
    const line = new RegExp(`${point}\\s+one\\b.*${reason}`);
    await untilTrue(`describe shows ${point}`, () => line.test(hob.cli('describe', name)));
  }
});
