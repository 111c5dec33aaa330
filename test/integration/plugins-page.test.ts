import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { parseSpecs } from '../../src/api/parse.ts';
import { servedHob } from '../fixtures/served-hob.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

const root = join(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/plugins.md'), 'utf8');

interface Block {
  readonly language: string;
  /** Of the file that it is to be. */
  readonly name: string | undefined;
  readonly text: string;
}

const blocks = [...page.matchAll(/^```(\w+)(?: (\S+))?\n(.*?)^```$/gms)].map(
  ([, language = '', name, text = '']): Block => ({ language, name, text }),
);
const files = blocks.filter(({ name }) => name !== undefined);
const unnamed = (language: string): string => {
  const [block, ...more] = blocks.filter((each) => each.language === language && each.name === undefined);
  if (!block || more.length > 0) throw new Error(`there is not one block of ${language}`);
  return block.text;
};

/** `hob`, as it can be called from anywhere, in place of `npx hob`, which cannot. */
const hobCommand = join(root, 'src/cli/hob');
const execute = (file: string, args: string[], cwd: string): Promise<{ failed: boolean; output: string }> =>
  new Promise((resolve) => {
    execFile(file, args, { cwd }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    );
  });

it('every block of code on the page is tried here', () => {
  expect(blocks.map(({ language, name }) => name ?? language).toSorted()).toEqual(
    [
      ...['sh', 'yaml', 'json', 'text'],
      ...['hello.mjs', 'typed.ts', 'greet', 'lines.mjs', 'notes/index.mjs', 'notes/package.json', 'hello.test.mjs'],
    ].toSorted(),
  );
});

it('its first steps lead to two plugins that can be used', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hob-page-'));
  const folder = join(dir, 'plugins');
  mkdirSync(folder);
  const steps = unnamed('sh').replaceAll('npx hob', hobCommand).replaceAll('/etc/hob/plugins', folder);
  const { failed, output } = await execute('sh', ['-euc', steps], dir);
  expect(output.match(/pass 2$/gm)).toHaveLength(2);
  expect(failed).toBe(false);
  const bench = pluginBench({ folders: [folder] });
  await bench.registry.start();
  expect(bench.registry.list().map(({ name, state }) => [name, state])).toEqual([
    ['hello', 'ready'],
    ['salute', 'ready'],
  ]);
  await bench.dispose();
  rmSync(dir, { recursive: true });
});

it('its spec is one, and says what the defaults are', () => {
  const { spec } = parse(unnamed('yaml')) as { spec: { plugins: Record<string, unknown>[] } };
  const container = (plugins: unknown): string =>
    JSON.stringify({
      apiVersion: 'hob.dev/v1alpha1',
      kind: 'Container',
      metadata: { name: 'web' },
      spec: { rootfs: { path: '/srv' }, command: ['true'], plugins },
    });
  const said = parseSpecs(container(spec.plugins), 'page');
  const defaults = parseSpecs(container(spec.plugins.map(({ name, data }) => ({ name, data }))), 'page');
  expect(said.mistakes).toEqual([]);
  expect(said.containers[0]?.spec.plugins).toEqual(defaults.containers[0]?.spec.plugins);
});

it('what it shows of hob plugins looks as it does', async () => {
  const hob = await servedHob();
  const [titles = ''] = (await hob.cli('plugins')).stdout.split('\n');
  expect(unnamed('text').split('\n')[0]?.split(/ +/)).toEqual(titles.split(/ +/));
  await hob.dispose();
});

describe('its plugins', () => {
  let bench: PluginBench;

  beforeEach(async () => {
    bench = pluginBench();
    for (const { name = '', text } of files) bench.write(name, text);
    await bench.registry.start();
  });

  afterEach(() => bench.dispose());

  it('can be used', () => {
    expect(bench.registry.list().map(({ name, state, reason, warnings }) => [name, state, reason, warnings])).toEqual(
      ['greet', 'hello', 'lines', 'notes', 'typed'].map((name) => [name, 'ready', undefined, []]),
    );
  });

  it('do what it says', async () => {
    const plugins = [use('greet'), use('hello', { data: { greeting: 'good day' } }), use('typed')];
    const result = await bench.run('postConstruction', plugins);
    expect(result).toEqual({
      ok: true,
      failures: [],
      additions: {
        env: ['GREETING=hello', 'HELLO=good day, c1', 'ZONE=UTC on bench'],
        mounts: [
          { source: 'tmpfs', destination: '/tmp', type: 'tmpfs', options: [] },
          { source: '/usr/share/zoneinfo', destination: '/mnt', type: 'bind', options: ['bind', 'ro'] },
        ],
        fds: [],
      },
    });
    await bench.run('postStop', plugins);
    await expect.poll(() => bench.logged).toContain('farewell, c1');
  });

  it('read what a container writes to the descriptor they give it', async () => {
    const { additions } = await bench.run('postConstruction', [use('lines')]);
    expect(additions?.env).toEqual(['LINES=3']);
    const [{ fd } = { fd: -1 }] = additions?.fds ?? [];
    writeSync(fd, 'from the container');
    await expect.poll(() => bench.logged).toContain('c1: from the container');
    closeSync(fd);
    expect(readdirSync(join(bench.dir, 'state/lines'))).not.toContain('c1');
  });

  it('are called with what it says', async () => {
    await bench.run('postStop', [use('greet')]);
    const [line = ''] = bench.logged.filter((each) => each.startsWith('called with: '));
    const call = JSON.parse(line.replace('called with: ', '')) as object;
    expect(call).toEqual({
      id: 'c1',
      instanceID: 'i1',
      rootfsPath: '/rootfs/',
      data: null,
      attempt: 1,
      hookPoint: 'postStop',
      cgroup: '/hob-bench/c1',
    });
    const { pid: _, ...shown } = JSON.parse(unnamed('json')) as { pid: number };
    expect(Object.keys(shown).toSorted()).toEqual(Object.keys(call).toSorted());
  });

  it('find the data wrong that is', async () => {
    const { failures } = await bench.run('postConstruction', [use('typed', { data: { zone: 3 } })]);
    expect(failures).toMatchObject([{ message: expect.stringMatching(/data\.zone must be a string/) }]);
    const other = await bench.run('postConstruction', [use('typed', { data: { zones: 'UTC' } })], { instanceID: 'i2' });
    expect(other.failures).toMatchObject([{ message: expect.stringMatching(/data\.zones is not a field/) }]);
  });

  it('mount something into the mount namespace of a container', async () => {
    const rootfs = join(bench.dir, 'rootfs');
    mkdirSync(join(rootfs, 'mnt'), { recursive: true });
    const container = spawn('unshare', ['--mount', 'sh', '-c', 'echo; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    onTestFinished(() => void container.kill('SIGKILL'));
    await new Promise((resolve) => container.stdout.once('data', resolve));
    const pid = container.pid ?? 0;
    const result = await bench.run('preStart', [use('notes')], { pid, rootfsPath: `${rootfs}/` });
    expect(result.failures).toEqual([]);
    writeFileSync(join(bench.dir, 'state/notes/notes/c1/note'), 'remember');
    const inside = ['--target', String(pid), '--mount', 'cat', join(rootfs, 'mnt/note')];
    expect(execFileSync('nsenter', inside, { encoding: 'utf8' })).toBe('remember');
    expect(existsSync(join(rootfs, 'mnt/note'))).toBe(false);
  });

  it('pass the tests that it shows', async () => {
    const { failed, output } = await execute(hobCommand, ['plugin', 'test', bench.folder], bench.dir);
    expect([output, failed]).toEqual([expect.stringMatching(/pass 2$/m), false]);
  });
});
