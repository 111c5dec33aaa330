import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pluginBench, use } from '../support/plugins.ts';

const hobCommand = join(import.meta.dirname, '../../src/cli/hob');
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-plugin-'));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** The command line of hob, in the folder of the test. */
function hob(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(hobCommand, args, { cwd: dir }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe.each([
  ['module', []],
  ['executable', ['--exec']],
] as const)('a new plugin, made as %s,', (kind, flags) => {
  it('passes its tests, wherever it lies', async () => {
    expect(await hob('plugin', 'new', 'greeter', ...flags)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^created greeter\/.*\ncreated greeter\/greeter\.test\.mjs\n[^]*hob plugin test greeter/,
      ),
      stderr: '',
    });
    const { code, stdout } = await hob('plugin', 'test', 'greeter');
    expect(stdout).toMatch(/pass 2\n.*fail 0\n/);
    expect(code).toBe(0);
  });

  it('can be used by hob as it is', async () => {
    await hob('plugin', 'new', 'greeter', '--dir', dir, ...flags);
    const bench = pluginBench({ folders: [dir] });
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ name: 'greeter', kind, state: 'ready', warnings: [] }]);
    const { additions, failures } = await bench.run('postConstruction', [
      use('greeter', { data: { greeting: 'good day' } }),
    ]);
    expect(failures).toEqual([]);
    expect(additions?.env).toEqual([expect.stringMatching(/^GREETER_GREETING=good day, c1/)]);
    expect((await bench.run('postStop', [use('greeter')])).ok).toBe(true);
    await expect.poll(() => bench.logged).toContainEqual(expect.stringMatching(/^farewell, c1/));
    await bench.dispose();
  });

  it('can be written by nobody else', async () => {
    await hob('plugin', 'new', 'greeter', ...flags);
    const paths = ['', ...readdirSync(join(dir, 'greeter'))].map((name) => join(dir, 'greeter', name));
    expect(paths.map((path) => statSync(path).mode & 0o022)).toEqual([0, 0, 0]);
  });
});

it('two new plugins can serve the same container', async () => {
  await hob('plugin', 'new', 'one', '--dir', dir);
  await hob('plugin', 'new', 'other-one', '--dir', dir, '--exec');
  const bench = pluginBench({ folders: [dir] });
  await bench.registry.start();
  const { additions, failures } = await bench.run('postConstruction', [use('one'), use('other-one')]);
  expect(failures).toEqual([]);
  expect(additions?.env).toEqual(['ONE_GREETING=hello, c1 on bench', 'OTHER_ONE_GREETING=hello, c1']);
  await bench.dispose();
});

describe('hob plugin new', () => {
  it('changes nothing where something is already', async () => {
    mkdirSync(join(dir, 'mine'));
    writeFileSync(join(dir, 'mine/index.mjs'), 'precious');
    expect(await hob('plugin', 'new', 'mine')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error: mine is there already; nothing was changed\n',
    });
    expect(readFileSync(join(dir, 'mine/index.mjs'), 'utf8')).toBe('precious');
  });

  it.each(['../up', '.hidden', '', 'a b', "quote'", 'greeter.mjs', 'x'.repeat(129)])(
    'refuses %j as a name',
    async (name) => {
      const { code, stderr } = await hob('plugin', 'new', name);
      expect([code, stderr]).toEqual([1, expect.stringMatching(/is no name for a plugin/)]);
      expect(readdirSync(dir)).toEqual([]);
    },
  );

  it('says what is missing or was meant', async () => {
    expect((await hob('plugin')).stderr).toMatch(/hob plugin new NAME/);
    expect((await hob('plugin', 'nwe', 'x')).stderr).toMatch(/did you mean new/);
    expect((await hob('plugin', 'new')).stderr).toMatch(/name of the plugin is missing/);
    expect((await hob('plugin', 'new', 'x', '--dir', 'nowhere')).stderr).toMatch(/nowhere\/x cannot be made/);
    expect((await hob('plugin', 'test', '--exec')).stderr).toMatch(/flags of new/);
  });
});

describe('hob plugin test', () => {
  const test = (body: string): string => `import { test } from 'node:test';\n${body}\n`;

  it('fails with the tests', async () => {
    writeFileSync(join(dir, 'a.test.mjs'), test(`test('one', () => { throw new Error('no'); });`));
    expect((await hob('plugin', 'test')).code).toBe(1);
  });

  it('knows all the names that plugins can import, in TypeScript, too, and one file alone', async () => {
    const names = ['plugin', 'hint-flags', 'data', 'testing'].map((name) => `await import('hob/${name}');`).join(' ');
    writeFileSync(join(dir, 'a.test.ts'), test(`test('one', async (): Promise<void> => { ${names} });`));
    writeFileSync(join(dir, 'b.test.mjs'), test(`test('other', () => { throw new Error('no'); });`));
    const { code, stdout } = await hob('plugin', 'test', 'a.test.ts');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/pass 1\n/)]);
  });

  it('passes over the tests of what a plugin depends on', async () => {
    mkdirSync(join(dir, 'node_modules/x'), { recursive: true });
    writeFileSync(join(dir, 'node_modules/x/a.test.mjs'), test(`test('one', () => { throw new Error('no'); });`));
    expect(await hob('plugin', 'test')).toMatchObject({ code: 1, stderr: expect.stringMatching(/no tests in/) });
  });

  it('refuses a file that is no test, which would pass', async () => {
    writeFileSync(join(dir, 'hello.mjs'), 'export default {};');
    expect(await hob('plugin', 'test', 'hello.mjs')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error: hello\.mjs is no test: tests are files NAME\.test\.mjs/),
    });
  });

  it('says so when there is nothing to test', async () => {
    expect((await hob('plugin', 'test', 'nowhere')).stderr).toMatch(/nowhere cannot be read/);
  });
});
