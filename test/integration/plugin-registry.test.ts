import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PluginBench, pluginBench, threadsOf, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(() => {
  bench = pluginBench();
});

afterEach(() => bench.dispose());

/** A module that appends a word to the trace at postStart and postStop. */
const saying = (name: string, word: string): string => `
  import { appendFileSync } from 'node:fs';
  const say = (point) => { appendFileSync(${JSON.stringify(bench.tracePath)}, '${word} ' + point + '\\n'); return true; };
  export default { name: '${name}', hookHints: 12, postStart: () => say('postStart'), postStop: () => say('postStop') };`;

const script = (name: string, word: string): string =>
  `#!/bin/sh\n[ $1 = describe ] && { echo '{"name": "${name}", "hookHints": 12}'; exit; }\necho ${word} $1 >> ${bench.tracePath}\n`;

const names = (): string[] => bench.registry.list().map(({ name, state }) => `${name} ${state}`);
const version = (name: string) => bench.registry.get(name)?.version;

describe('a plugin folder', () => {
  it('holds files, folders and programs', async () => {
    bench.write('file.mjs', saying('file', ''));
    bench.write(
      'typed.ts',
      `import type { Plugin } from 'hob/plugin';\nconst p: Plugin = { name: 'typed', hookHints: 0 };\nexport default p;`,
    );
    bench.write('common.js', `module.exports = { name: 'common', hookHints: 0 };`);
    bench.write('made.mjs', `export default async () => ({ name: 'made', hookHints: 0 });`);
    bench.write('indexed/index.js', `export { default } from './lib.js';`);
    bench.write('indexed/lib.js', saying('indexed', ''));
    bench.write('packaged/package.json', '{"main": "src/main.mjs"}');
    bench.write('packaged/src/main.mjs', saying('packaged', ''));
    bench.write('program/program', script('program', ''));
    bench.write('program/README.md', '# Program');
    bench.write('script', script('script', ''));
    bench.write('README.md', '# Plugins');
    bench.write('.hidden.mjs', 'junk');
    bench.write('file.mjs~', 'junk');
    await bench.registry.start();
    expect(names()).toEqual(
      ['common', 'file', 'indexed', 'made', 'packaged', 'program', 'script', 'typed'].map((name) => `${name} ready`),
    );
  });

  it('is watched: plugins come, change and go', async () => {
    await bench.registry.start();
    bench.write('p.mjs', saying('p', 'one'));
    await bench.untilChange(() => names().includes('p ready'));
    const first = version('p');
    bench.write('p.mjs', saying('p', 'two'));
    await bench.untilChange(() => version('p') !== undefined && version('p') !== first);
    rmSync(join(bench.folder, 'p.mjs'));
    await bench.untilChange(() => names().length === 0);
    expect(bench.logged.at(-1)).toBe('plugin p was removed');
  });

  it('may hold what is no plugin; who asks for one of that name is told what it takes to be one', async () => {
    const path = bench.write('tool', 'echo no first line');
    bench.write('p.mjs', saying('p', ''));
    mkdirSync(join(bench.folder, '../elsewhere'));
    writeFileSync(join(bench.folder, '../elsewhere/x'), '');
    await bench.registry.start();
    expect(names()).toEqual(['p ready']);
    const why = bench.registry.whyMissing;
    expect(why('tool')).toBe(
      `${path} is neither a module (.mjs, .js, .ts) nor executable; if it is a program: chmod +x ${path}`,
    );
    for (const other of ['p.mjs', 'none', '../elsewhere/x', 'tool\0']) expect(why(other)).toMatch(/^no plugin folder/);
  });

  it('is watched deep inside of the folder of a plugin', async () => {
    bench.write('p/index.mjs', `export { default } from './deep/er/plugin.mjs';`);
    bench.write('p/deep/er/plugin.mjs', saying('p', 'one'));
    await bench.registry.start();
    const first = version('p');
    bench.write('p/deep/er/plugin.mjs', saying('p', 'two'));
    await bench.untilChange(() => version('p') !== first);
  });

  it('may come later, and be replaced by another', async () => {
    rmSync(bench.folder, { recursive: true });
    await bench.registry.start();
    const beside = join(bench.dir, 'beside');
    mkdirSync(beside);
    writeFileSync(join(beside, 'p.mjs'), saying('p', 'one'));
    renameSync(beside, bench.folder);
    await bench.untilChange(() => names().includes('p ready'));
    renameSync(bench.folder, beside);
    mkdirSync(bench.folder);
    bench.write('q.mjs', saying('q', 'one'));
    await bench.untilChange(() => names().join() === 'q ready');
  });

  it('may be copied in pieces', async () => {
    await bench.registry.start();
    bench.write('p/index.mjs', `export { default } from './late.mjs';`);
    await bench.untilChange(() => names().includes('p broken'));
    bench.write('p/late.mjs', saying('p', 'one'));
    await bench.untilChange(() => names().includes('p ready'));
  });

  it('may hold symbolic links that are swapped', async () => {
    for (const word of ['one', 'two']) {
      mkdirSync(join(bench.dir, word));
      writeFileSync(join(bench.dir, word, 'p.mjs'), saying('p', word));
    }
    symlinkSync(join(bench.dir, 'one'), join(bench.folder, '..data'));
    symlinkSync('..data/p.mjs', join(bench.folder, 'p.mjs'));
    await bench.registry.start();
    const first = version('p');
    symlinkSync(join(bench.dir, 'two'), join(bench.folder, '..data_tmp'));
    renameSync(join(bench.folder, '..data_tmp'), join(bench.folder, '..data'));
    await bench.untilChange(() => version('p') !== first);
    await bench.run('postStart', [use('p')]);
    expect(bench.trace()).toEqual(['two postStart']);
  });
});

describe('a name', () => {
  it('belongs to the first folder, then to the first file; when that goes, to the next', async () => {
    const second = join(bench.dir, 'second');
    cpSync(bench.folder, second, { recursive: true });
    const two = pluginBench({ folders: [bench.folder, second] });
    writeFileSync(join(second, 'a.mjs'), saying('p', 'second'));
    bench.write('z.mjs', saying('p', 'z'));
    bench.write('y.mjs', saying('p', 'y'));
    await two.registry.start();
    expect(two.registry.list().map(({ path, state }) => `${path.slice(bench.dir.length)} ${state}`)).toEqual([
      '/plugins/y.mjs ready',
      '/plugins/z.mjs broken',
      '/second/a.mjs broken',
    ]);
    expect(two.registry.list()[1]?.reason).toBe(`the name p is taken by ${join(bench.folder, 'y.mjs')}`);
    rmSync(join(bench.folder, 'y.mjs'));
    await two.untilChange(() => two.registry.get('p')?.path === join(bench.folder, 'z.mjs'));
    await two.dispose();
  });
});

describe('a module is listed as broken when it', () => {
  it.each([
    ['has a mistake in its syntax', 'export default {', /SyntaxError.*broken\.mjs/],
    ['throws', 'throw new Error("not here")', /not here.*broken\.mjs:1/],
    ['imports what is not there', 'import "./nothing.mjs"', /nothing\.mjs/],
    [
      'imports what hob does not offer',
      'import "hob/nothing"',
      /hob offers no "hob\/nothing"; there are hob\/plugin, hob\/hint-flags, hob\/data, hob\/testing/,
    ],
    ['has no default export', 'export const name = "x"', /default export must be an object .* extends PluginBase$/],
    ['has no name', 'export default { name: "", hookHints: 0 }', /its name is ""/],
    ['has no number as its hints', 'export default { name: "x", hookHints: "all" }', /its hookHints are "all"/],
    ['has hints that are no number at all', 'export default { name: "x", hookHints: NaN }', /hookHints are NaN/],
    ['has unknown hints', 'export default { name: "x", hookHints: 64 }', /bits without a meaning: 0x40/],
    [
      'has a hint without its method',
      'export default { name: "x", hookHints: 3, preStart() {} }',
      /name postConstruction, but it has no such method/,
    ],
    ['has a name that is a number', 'export default { name: 7, hookHints: 0 }', /its name is 7/],
    ['has a name that is a function', 'export default { name: () => 1, hookHints: 0 }', /its name is .*Function/],
    [
      'is a class of another kind',
      'export default class { name = "x"; hookHints = 0 }',
      /class that extends PluginBase/,
    ],
    ['has a factory that throws', 'export default () => { throw new Error("no luck") }', /no luck/],
    [
      'has a factory that uses what hob offers in a wrong way',
      'import { readData } from "hob/data"; export default () => readData(3)',
      / \(at [^()]*broken\.mjs:1:\d+\)$/,
    ],
    ['has a factory that makes nothing', 'export default () => undefined', /function that returns one/],
    ['rejects while it loads', 'await Promise.reject(new Error("not today"))', /not today/],
    ['waits for what never comes', 'await new Promise(() => {})', /did not load within 0\.5 s/],
    ['has a factory that never settles', 'export default () => new Promise(() => {})', /did not load within 0\.5 s/],
    ['leaves', 'process.exit(4)', /exit code 4/],
    ['never finishes loading', 'await new Promise(() => setInterval(() => {}, 1000))', /did not load within 0\.5 s/],
    ['blocks', 'for (;;);', /did not load within 0\.5 s/],
  ])('%s', async (_, text, reason) => {
    // Only those that never end are to meet the limit.
    const impatient = pluginBench(String(reason).includes('within') ? { loadLimitMs: 500 } : { loadLimitMs: 20_000 });
    impatient.write('broken.mjs', text);
    await impatient.registry.start();
    expect(impatient.registry.list()).toMatchObject([
      {
        name: 'broken',
        kind: 'module',
        hookHints: 0,
        hints: [],
        state: 'broken',
        reason: expect.stringMatching(reason),
      },
    ]);
    expect(impatient.registry.whyMissing('broken')).toMatch(/broken\.mjs is broken: /);
    await impatient.dispose();
  });

  it.each([
    ['its file', 'p/index.mjs', 0o646],
    ['a file beside it', 'p/lib.mjs', 0o664],
    ['its folder', 'p', 0o777],
    ['the plugin folder', '.', 0o777],
  ])('has somebody else who may write %s; the path and the cure are told', async (_, what, mode) => {
    bench.write('p/index.mjs', saying('p', ''));
    bench.write('p/lib.mjs', '');
    chmodSync(join(bench.folder, what), mode);
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ state: 'broken' }]);
    expect(bench.registry.list()[0]?.reason).toContain(`${join(bench.folder, what)} can be written by`);
    expect(bench.registry.whyMissing('p')).toMatch(/p is broken: .*cure: chmod go-w/);
  });

  it('is a symbolic link to what others can write', async () => {
    const target = join(bench.dir, 'target.mjs');
    writeFileSync(target, saying('p', ''));
    chmodSync(target, 0o666);
    symlinkSync(target, join(bench.folder, 'p.mjs'));
    await bench.registry.start();
    expect(bench.registry.list()[0]?.reason).toContain(`${target} can be written by everybody`);
    chmodSync(target, 0o644);
    // Nothing changed in the plugin folder itself, so the cure would be seen within a minute.
    bench.write('README', 'a reason to look');
    await bench.untilChange(() => names().join() === 'p ready');
  });

  it.each(['p.mjs', 'p'])('is a symbolic link to nowhere, until there is something: %s', async (name) => {
    const [link, target] = [join(bench.folder, name), join(bench.folder, `.${name}`)];
    symlinkSync(target, link);
    await bench.registry.start();
    expect(names()).toEqual(['p broken']);
    expect(bench.registry.whyMissing('p')).toContain(
      `it is a symbolic link to ${target}, which cannot be followed: ENOENT`,
    );
    writeFileSync(target, name === 'p' ? script('p', '') : saying('p', ''), { mode: 0o755 });
    await bench.untilChange(() => names().includes('p ready'));
  });

  it('belongs to somebody else', async () => {
    chownSync(bench.write('p.mjs', saying('p', '')), 65534, 65534);
    await bench.registry.start();
    expect(bench.registry.list()[0]?.reason).toMatch(/p\.mjs belongs to user 65534/);
  });

  it('can be written by others', async () => {
    chmodSync(bench.write('p/index.mjs', saying('p', '')), 0o666);
    await bench.registry.start();
    expect(bench.registry.list()[0]?.reason).toMatch(/can be written by everybody.*chmod go-w/);
    chmodSync(join(bench.folder, 'p/index.mjs'), 0o644);
    await bench.untilChange(() => names().includes('p ready'));
  });

  it('is a folder with nothing to load', async () => {
    bench.write('empty/README.md', '');
    await bench.registry.start();
    expect(bench.registry.list()[0]?.reason).toMatch(/no package\.json with "main", no index\.mjs/);
  });

  it('is a folder whose package.json names a module that is not there', async () => {
    bench.write('p/package.json', '{"main": "nosuch.mjs"}');
    await bench.registry.start();
    const manifest = join(bench.folder, 'p/package.json');
    expect(bench.registry.list()[0]?.reason).toBe(`"main" in ${manifest} names nosuch.mjs, which is not there`);
    bench.write('p/nosuch.mjs', saying('p', ''));
    await bench.untilChange(() => names().includes('p ready'));
  });
});

describe('two candidates of one label', () => {
  it('would share a state folder: the later is broken until the first goes', async () => {
    bench.write('p/index.mjs', saying('p', 'folder'));
    bench.write('p.mjs', saying('other', 'file'));
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([
      { name: 'p', state: 'ready' },
      { name: 'p', state: 'broken', reason: expect.stringContaining(`${join(bench.folder, 'p')} comes first`) },
    ]);
    rmSync(join(bench.folder, 'p'), { recursive: true });
    await bench.untilChange(() => names().join() === 'other ready');
  });
});

describe('a module that imports', () => {
  const evil = 'export const hints = 0;';
  const main = (imports: string): string => `${imports}\nexport default { name: 'p', hookHints: 0 };`;

  it.each([
    ['a package', 'p/index.mjs', `import 'evil';`, 'p/node_modules/evil/index.js'],
    ['a file beside a plugin of one file', 'p.mjs', `import './lib/evil.js';`, 'lib/evil.js'],
    ['a hidden file', 'p/index.mjs', `import './.evil.js';`, 'p/.evil.js'],
    ['a file far below', 'p/index.mjs', `import './1/2/3/4/5/6/7/8/9/evil.js';`, 'p/1/2/3/4/5/6/7/8/9/evil.js'],
    ['something at run time', 'p/index.mjs', `await import('evil');`, 'p/node_modules/evil/index.js'],
    ['by require', 'p/index.cjs', `require('evil');`, 'p/node_modules/evil/index.js'],
  ])('%s that others can change is broken, and that file is named', async (_, path, imports, file) => {
    const isCommon = path.endsWith('.cjs');
    bench.write(path, isCommon ? `${imports}\nmodule.exports = { name: 'p', hookHints: 0 };` : main(imports));
    if (isCommon) bench.write('p/package.json', '{"main": "index.cjs"}');
    chmodSync(bench.write(file, isCommon ? '' : evil), 0o666);
    await bench.registry.start();
    const broken = bench.registry.list().find(({ name }) => name === 'p');
    expect(broken?.reason).toMatch(/may not import .*evil.*\.js: .*can be written by everybody.*cure: chmod go-w/);
    chmodSync(join(bench.folder, file), 0o644);
    bench.write(path, `${isCommon ? `${imports}\nmodule.exports = { name: 'p', hookHints: 0 };` : main(imports)}\n`);
    await bench.untilChange(() => names().includes('p ready'));
  });
});

describe('modules that hang while they load', () => {
  it('do not keep others from being loaded', async () => {
    const until = `import { existsSync } from 'node:fs';
      while (!existsSync(${JSON.stringify(join(bench.dir, 'go'))})) await new Promise((next) => setTimeout(next, 10));`;
    for (const name of ['a', 'b'])
      bench.write(`${name}.mjs`, `${until}\nexport default { name: '${name}', hookHints: 0 };`);
    const go = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(join(bench.dir, 'go'))}, '');`;
    bench.write('c.mjs', `${go}\nexport default { name: 'c', hookHints: 0 };`);
    const started = bench.registry.start();
    await expect.poll(() => bench.registry.whyMissing('a')).toMatch(/a\.mjs is not loaded yet/);
    await started;
    expect(names()).toEqual(['a ready', 'b ready', 'c ready']);
  });

  it('are given up when hob lets go of its plugins, and those behind them are not begun', async () => {
    const hangs = (name: string): string =>
      `import { appendFileSync } from 'node:fs';
       appendFileSync(${JSON.stringify(bench.tracePath)}, '${name}\\n'); await new Promise(() => setInterval(() => {}, 1000));`;
    for (const name of ['a', 'b', 'c']) bench.write(`${name}.mjs`, hangs(name));
    const started = bench.registry.start();
    await expect.poll(() => bench.trace().length).toBeGreaterThan(0);
    expect(await bench.registry.close()).toBe(0);
    await started;
    expect(bench.logged.filter((line) => /did not load|cannot be used/.test(line))).toEqual([]);
    await expect.poll(() => [...'abc'].map((name) => threadsOf(`${name}.mjs`))).toEqual([0, 0, 0]);
  });

  it('are given up with programs that nobody answers for any more', async () => {
    const asked = Promise.withResolvers<void>();
    const run = (): Promise<never> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const orphaned = pluginBench({ run });
    orphaned.write('p', script('p', ''));
    const started = orphaned.registry.start();
    await asked.promise;
    await orphaned.dispose();
    await started;
  });
});

describe('a module that is replaced while it loads', () => {
  it('is loaded once more', async () => {
    const slow = `export { default } from './one.mjs'; await new Promise((go) => setTimeout(go, 500));`;
    bench.write('p/index.mjs', slow);
    bench.write('p/one.mjs', saying('p', 'old'));
    const started = bench.registry.start();
    await expect.poll(() => existsSync(join(bench.dir, 'state/p'))).toBe(true);
    bench.write('p/one.mjs', saying('p', 'new'));
    await started;
    const says = async (): Promise<string | undefined> => {
      await bench.run('postStart', [use('p')], { instanceID: String(Math.random()) });
      return bench.trace().at(-1);
    };
    await expect.poll(says).toBe('new postStart');
  });
});

describe('a container that runs', () => {
  it('is torn down by the version of the module that made it; the next one gets the new version', async () => {
    bench.write('p.mjs', saying('p', 'old'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')], { instanceID: 'before' });
    await bench.run('postStart', [use('p')], { instanceID: 'before' });
    const first = version('p');
    bench.write('p.mjs', saying('p', 'new'));
    await bench.untilChange(() => version('p') !== first);
    await bench.run('postConstruction', [use('p')], { instanceID: 'after' });
    await bench.run('postStop', [use('p')], { instanceID: 'before' });
    await bench.run('postStop', [use('p')], { instanceID: 'after' });
    expect(bench.trace()).toEqual(['old postStart', 'old postStop', 'new postStop']);
    expect(bench.events).toEqual([]);
  });

  it('is torn down by a module that was removed', async () => {
    bench.write('p.mjs', saying('p', 'removed'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    await bench.run('postStart', [use('p')]);
    rmSync(join(bench.folder, 'p.mjs'));
    await bench.untilChange(() => bench.registry.get('p') === undefined);
    expect(await bench.run('postStop', [use('p')])).toMatchObject({ ok: true });
    await bench.run('preDestruction', [use('p')]);
    expect(bench.trace()).toEqual(['removed postStart', 'removed postStop']);
    expect(await bench.run('postStop', [use('p')], { instanceID: 'i2' })).toMatchObject({
      failures: [{ reason: 'PluginNotFound' }],
    });
  });

  it('is told when the version of the program that made it is gone', async () => {
    bench.write('p', script('p', 'old'));
    await bench.registry.start();
    await bench.run('postConstruction', [use('p')]);
    const first = version('p');
    bench.write('p', script('p', 'new'));
    await bench.untilChange(() => version('p') !== first);
    await bench.run('postStop', [use('p')]);
    expect(bench.trace()).toEqual(['new postStop']);
    expect(bench.events).toMatchObject([
      { reason: 'PluginChanged', message: expect.stringContaining('plugin p, postStop') },
    ]);
  });

  it('keeps a plugin in memory, where one that no container needs is put to rest', async () => {
    const restless = pluginBench({ idleMs: 0 });
    const counting = `let calls = 0; export default { name: 'p', hookHints: 12,
      postStart: () => { calls++; return true }, postStop: () => { if (calls > 1) return true; throw new Error('calls: ' + calls) } }`;
    restless.write('p.mjs', counting);
    await restless.registry.start();
    await restless.run('postConstruction', [use('p')]);
    await restless.run('postStart', [use('p')]);
    await restless.run('postStart', [use('p')], { instanceID: 'i2' });
    expect(await restless.run('postStop', [use('p')])).toMatchObject({ ok: true });
    await restless.run('preDestruction', [use('p')]);
    await restless.run('preDestruction', [use('p')], { instanceID: 'i2' });
    const forgotten = async (): Promise<string | undefined> => {
      const instanceID = String(Math.random());
      const result = await restless.run('postStop', [use('p')], { instanceID });
      await restless.run('preDestruction', [use('p')], { instanceID });
      return result.failures[0]?.message;
    };
    await expect.poll(forgotten).toMatch(/calls: 0/);
    await restless.dispose();
  });
});
