import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requiredMissing } from '../../src/hooks/dispatcher.ts';
import { type PluginBench, pluginBench, threadsOf, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(() => {
  bench = pluginBench({ idleMs: 0 });
});

afterEach(() => bench.dispose());

/** A module that says when it is loaded and called, and ends its thread when there is a file `die-WORD`. */
const living = (word: string): string => `
  import { appendFileSync, existsSync, rmSync } from 'node:fs';
  const trace = (line) => appendFileSync(${JSON.stringify(bench.tracePath)}, '${word} ' + line + '\\n');
  if (existsSync(${JSON.stringify(`${bench.dir}/unloadable`)})) throw new Error('no room');
  trace('loads');
  setInterval(() => {
    if (!existsSync('${bench.dir}/die-${word}')) return;
    rmSync('${bench.dir}/die-${word}');
    process.exit(9);
  }, 10);
  const say = (what) => { trace(what); return true; };
  export default { name: 'p', hookHints: 13, postConstruction: () => say('postConstruction'), postStart: () => say('postStart'),
    postStop: () => say('postStop') };`;

const kill = (word: string): void => writeFileSync(join(bench.dir, `die-${word}`), '');
const loads = (word: string): number => bench.trace().filter((line) => line === `${word} loads`).length;
const stateOf = (name: string) => bench.registry.list().find((plugin) => plugin.name === name);

describe('the thread of a plugin that a container needs', () => {
  it('is started again when it dies outside of a call, and the log says why', async () => {
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    const before = loads('one');
    kill('one');
    await bench.untilChange(() => stateOf('p')?.state === 'broken');
    expect(stateOf('p')?.reason).toMatch(/exit code 9; containers need it, so it is started again in 1 s/);
    await bench.untilChange(() => stateOf('p')?.state === 'ready');
    expect(loads('one')).toBe(before + 1);
    expect(bench.logged).toContainEqual(expect.stringMatching(/thread of a plugin came to its end: .*exit code 9/));
  });

  it('is tried again, later each time, when the module does not load any more', async () => {
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    writeFileSync(join(bench.dir, 'unloadable'), '');
    kill('one');
    await bench.untilChange(() => stateOf('p')?.reason?.includes('no room') === true);
    expect(stateOf('p')?.reason).toMatch(/no room.*started again in 2 s/);
    rmSync(join(bench.dir, 'unloadable'));
    await bench.untilChange(() => stateOf('p')?.state === 'ready');
  });

  it('stays for an instance that an earlier hob made, and ends when that needs it no more', async () => {
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    bench.registry.adopt('i1', ['p']);
    await expect.poll(() => loads('one')).toBeGreaterThan(0);
    const before = loads('one');
    kill('one');
    await expect.poll(() => loads('one')).toBe(before + 1);
    await bench.run('preDestruction', [use('p')]);
    kill('one');
    // A thread that still ran would find the file and be started again; one that comes for a call is a new one as well.
    const callOnce = async (): Promise<number> => {
      const instanceID = String(Math.random());
      await bench.run('postStart', [use('p')], { instanceID });
      await bench.run('preDestruction', [use('p')], { instanceID });
      return loads('one');
    };
    await expect.poll(callOnce).toBeGreaterThan(before + 1);
    expect(stateOf('p')?.state).toBe('ready');
  });

  it('is there for an adopted instance as soon as the plugin comes', async () => {
    await bench.registry.start();
    bench.registry.adopt('i1', ['p']);
    bench.write('p.mjs', living('one'));
    await bench.untilChange(() => stateOf('p')?.state === 'ready');
    kill('one');
    await expect.poll(() => loads('one')).toBe(2);
    expect(await bench.run('postStop', [use('p')])).toMatchObject({ ok: true, failures: [] });
    expect(bench.events).toEqual([]);
  });
});

it('the time that a thread takes to load is not that of the hook that it is started for', async () => {
  const slow = living('one').replace(
    `trace('loads');`,
    `await new Promise((go) => setTimeout(go, 300)); trace('loads');`,
  );
  bench.write('p.mjs', slow);
  await bench.registry.start();
  await expect.poll(() => threadsOf('p.mjs')).toBe(0);
  expect((await bench.run('postStart', [use('p', { timeoutSeconds: 0.25 })])).failures).toEqual([]);
  expect(bench.trace()).toEqual(['one loads', 'one loads', 'one postStart']);
});

describe('when the thread of a version dies whose files have changed', () => {
  it('the newest stands in at once, and people are told at its first hook', async () => {
    bench.write('p.mjs', living('old'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    const first = bench.registry.get('p')?.version;
    bench.write('p.mjs', living('new'));
    await bench.untilChange(() => bench.registry.get('p')?.version !== first);
    kill('old');
    await expect.poll(() => bench.registry.find('i1', 'p').insteadOf?.version).toBe(first);
    // It stays, with no instance of its own: an idle one would be gone by now.
    kill('new');
    await expect.poll(() => loads('new')).toBe(2);
    expect(await bench.run('postStop', [use('p')])).toMatchObject({ ok: true });
    expect(bench.trace().filter((line) => line.endsWith('postStop'))).toEqual(['new postStop']);
    expect(bench.events).toMatchObject([
      { reason: 'PluginChanged', message: expect.stringContaining('plugin p, postStop') },
    ]);
  });

  it('and they are gone, it is missed at the points that it had hints for, and at no other', async () => {
    bench.write('p.mjs', living('old'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    rmSync(join(bench.folder, 'p.mjs'));
    await bench.untilChange(() => bench.registry.get('p') === undefined);
    kill('old');
    await expect.poll(() => bench.registry.find('i1', 'p').plugin).toBeUndefined();
    expect((await bench.run('postStop', [use('p')])).failures).toMatchObject([{ reason: 'PluginNotFound' }]);
    expect((await bench.run('preDestruction', [use('p')])).failures).toEqual([]);
  });
});

describe('what an earlier hob made with another version of a plugin', () => {
  const made = (version: string): void => {
    const call = { containerID: 'c1', instanceID: 'i1', point: 'postConstruction', plugin: 'p' } as const;
    bench.journal.beginHook({ ...call, version });
    bench.journal.endHook({ ...call, outcome: 'ok' });
  };

  it('is served by the one that there is, and people are told', async () => {
    made('another');
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    bench.registry.adopt('i1', ['p']);
    await bench.run('postStop', [use('p')]);
    expect(bench.events).toMatchObject([{ reason: 'PluginChanged', message: expect.stringMatching(/p, postStop/) }]);
  });

  it('tells nobody when it is made anew, or the version is the same', async () => {
    made('another');
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    for (const point of ['postConstruction', 'postStart', 'postStop'] as const) await bench.run(point, [use('p')]);
    expect(bench.events).toEqual([]);
    const versions = bench.journal.hookCalls('c1').map(({ version }) => version);
    expect(versions).toEqual(['another', ...Array<unknown>(3).fill(bench.registry.get('p')?.version)]);
  });
});

describe('a required plugin that is not there', () => {
  it('is named with why: nothing of the name, or what is wrong with what there is', async () => {
    bench.write('broken.mjs', 'throw new Error("half written")');
    chmodSync(bench.write('open.mjs', 'export default { name: "open", hookHints: 0 }'), 0o666);
    await bench.registry.start();
    const missing = requiredMissing([use('absent'), use('broken'), use('open')], bench.registry);
    expect(missing).toEqual([
      `absent: no plugin folder (${bench.folder}) has it`,
      expect.stringMatching(/^broken: .*broken\.mjs is broken: .*half written/),
      expect.stringMatching(/^open: .*open\.mjs is broken: .*can be written by everybody/),
    ]);
  });
});

describe('a plugin folder', () => {
  it('that is removed and comes back has its plugins again, with their state', async () => {
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    writeFileSync(join(bench.dir, 'state/p/kept'), '');
    renameSync(bench.folder, join(bench.dir, 'away'));
    await bench.untilChange(() => bench.registry.list().length === 0);
    renameSync(join(bench.dir, 'away'), bench.folder);
    await bench.untilChange(() => stateOf('p')?.state === 'ready');
    expect(existsSync(join(bench.dir, 'state/p/kept'))).toBe(true);
  });
});

describe('a module that an earlier hob has loaded', () => {
  /** Another hob, over the same folders. */
  const again = (): PluginBench =>
    pluginBench({ folders: [bench.folder], stateDir: join(bench.dir, 'state'), idleMs: 0 });

  async function firstHob(): Promise<void> {
    bench.write('p.mjs', living('one'));
    await bench.registry.start();
    await bench.registry.close();
    expect(loads('one')).toBe(1);
  }

  it('is known by what it said then, and has a thread when it is called', async () => {
    await firstHob();
    const next = again();
    await next.registry.start();
    expect(next.registry.list()).toMatchObject([{ name: 'p', state: 'ready', hookHints: 13 }]);
    expect(loads('one')).toBe(1);
    expect((await next.run('postStart', [use('p')])).failures).toEqual([]);
    expect(bench.trace()).toEqual(['one loads', 'one loads', 'one postStart']);
    await next.dispose();
  });

  it('is loaded again when its file is another one', async () => {
    await firstHob();
    bench.write('p.mjs', living('two').replace('hookHints: 13', 'hookHints: 5'));
    const next = again();
    await next.registry.start();
    expect(next.registry.list()).toMatchObject([{ hookHints: 5 }]);
    await next.dispose();
  });

  it('is loaded by the hob after next when what it imports has other hints', async () => {
    writeFileSync(join(bench.dir, 'hints.mjs'), 'export const hints = 13;');
    const text = living('one').replace('hookHints: 13', 'hookHints: hints');
    bench.write('p.mjs', `import { hints } from '${join(bench.dir, 'hints.mjs')}';${text}`);
    await bench.registry.start();
    await bench.registry.close();
    writeFileSync(join(bench.dir, 'hints.mjs'), 'export const hints = 4;');
    const [next, afterNext] = [again(), again()];
    await next.registry.start();
    // Whether the thread still does what it was started for is chance: it is ended as soon as it has told its hints.
    await next.run('postStart', [use('p')]);
    await expect.poll(() => existsSync(join(bench.dir, 'state/p/.identity.json'))).toBe(false);
    await next.dispose();
    await afterNext.registry.start();
    expect(afterNext.registry.list()).toMatchObject([
      { state: 'ready', hookHints: 4, warnings: [expect.any(String), expect.any(String)] },
    ]);
    await afterNext.dispose();
  });
});
