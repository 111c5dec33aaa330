import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';

let bench: PluginBench;

beforeEach(() => {
  bench = pluginBench();
});

afterEach(() => bench.dispose());

/** What a module needs to tell this test something. */
const tracing = (): string => `
  import { appendFileSync } from 'node:fs';
  import { HintFlags } from 'hob/hint-flags';
  import { PluginBase } from 'hob/plugin';
  const trace = (...what) => appendFileSync(${JSON.stringify(bench.tracePath)}, JSON.stringify(what) + '\\n');
`;

/** A module whose factory has `environment` and `utilities`, with a postStart that does this. */
async function made(name: string, postStart: string, more = ''): Promise<void> {
  bench.write(
    `${name}.mjs`,
    `${tracing()}
     export default async (environment, utilities) => {
       ${more}
       return {
         name: '${name}', hookHints: HintFlags.PostStartSync,
         async postStart(id, pid, rootfsPath, data, { signal }) { ${postStart}; return true; },
       };
     };`,
  );
  await bench.registry.start();
  expect(bench.registry.list()[0]?.reason).toBeUndefined();
}

const traced = (): unknown[] => bench.trace().map((line): unknown => JSON.parse(line));
const failureOf = async (name: string): Promise<string | undefined> =>
  (await bench.run('postStart', [use(name)])).failures[0]?.message;

describe('a module may export', () => {
  it('a class that extends PluginBase: what it inherits is there for its hints, and no method without a hint', async () => {
    bench.write(
      'classy.mjs',
      `${tracing()}
       export default class extends PluginBase {
         name = 'classy';
         hookHints = HintFlags.PostStartSync | HintFlags.PostStopSync;
         constructor(environment, utilities) { super(); this.node = environment.nodeName; trace(typeof utilities.run); }
         postStart(id) { trace(this.node, id); return true; }
       }`,
    );
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ name: 'classy', state: 'ready', warnings: [] }]);
    expect(await bench.run('postStart', [use('classy')])).toMatchObject({ ok: true, failures: [] });
    expect(await bench.run('postStop', [use('classy')])).toMatchObject({ ok: true, failures: [] });
    expect(traced()).toEqual([['function'], ['bench', 'c1']]);
  });

  it('a plugin with a method that its hints leave out: it works, and its author is told', async () => {
    bench.write(
      'odd.mjs',
      `export default { name: 'odd', hookHints: 4, postStart: () => true, postStop: () => false }`,
    );
    await bench.registry.start();
    const warning = 'it has a method postStop that its hookHints leave out, so nothing ever calls it';
    expect(bench.registry.list()).toMatchObject([{ name: 'odd', state: 'ready', warnings: [warning] }]);
    expect(bench.logged).toContain(`plugin odd: ${warning}`);
    expect(await bench.run('postStart', [use('odd')])).toMatchObject({ ok: true });
    expect(await bench.run('postStop', [use('odd')])).toMatchObject({ ok: true, failures: [] });
  });
});

describe('the environment of a plugin', () => {
  it('has its state folder, the name of the node, and the cgroups of containers', async () => {
    await made(
      'env',
      '',
      `const { stateDir, nodeName, cgroupVersion } = environment;
       trace(stateDir, process.env.HOB_PLUGIN_STATE_DIR, nodeName, cgroupVersion);
       trace(environment.cgroupMountPath('memory'), environment.cgroupPath('web', 'cpu'), environment.cgroupPath('web', 'no'));
       try { environment.cgroupPath('../x', 'cpu') } catch (error) { trace(error.message) }`,
    );
    const stateDir = join(bench.dir, 'state/env');
    expect(traced()).toEqual([
      [stateDir, stateDir, 'bench', 1],
      ['/cgroups/memory', '/cgroups/cpu,cpuacct/hob-bench/web', null],
      ['"../x" is not the id of a container'],
    ]);
    expect(statSync(stateDir).mode & 0o777).toBe(0o700);
  });

  it('is named after its file, so it is there before the plugin has said its name', async () => {
    bench.write(
      'file.mjs',
      `${tracing()} trace(process.env.HOB_PLUGIN_STATE_DIR); export default { name: 'other', hookHints: 0 }`,
    );
    bench.write(
      'prog',
      `#!/bin/sh\necho "\\"$HOB_PLUGIN_STATE_DIR\\"" >> ${bench.tracePath}; echo '{"name": "x", "hookHints": 0}'\n`,
    );
    await bench.registry.start();
    expect(traced().flat().toSorted()).toEqual([join(bench.dir, 'state/file'), join(bench.dir, 'state/prog')]);
  });

  it('passes on what package.json asks for, and nothing else', async () => {
    Object.assign(process.env, { HOB_TEST_ASKED: 'asked', HOB_TEST_SECRET: 'secret' });
    bench.write('p/package.json', '{"main": "main.mjs", "hob": {"environment": ["HOB_TEST_ASKED", "HOB_TEST_UNSET"]}}');
    bench.write(
      'p/main.mjs',
      `${tracing()} const { HOB_TEST_ASKED: a, HOB_TEST_SECRET: s, HOB_TEST_UNSET: u } = process.env;
       trace(a, s ?? 'none', u ?? 'none'); export default { name: 'p', hookHints: 0 }`,
    );
    await bench.registry.start();
    expect(traced()).toEqual([['asked', 'none', 'none']]);
  });

  it.each([
    ['is not JSON', '{', /package\.json cannot be read: /],
    ['asks for no list', '{"main": "main.mjs", "hob": {"environment": "PATH"}}', /must be a list of names/],
    ['asks for what is no name', '{"main": "main.mjs", "hob": {"environment": ["A=B"]}}', /must be a list of names/],
  ])('is refused when package.json %s', async (_, manifest, reason) => {
    bench.write('p/package.json', manifest);
    bench.write('p/main.mjs', 'export default { name: "p", hookHints: 0 }');
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ state: 'broken', reason: expect.stringMatching(reason) }]);
  });
});

describe('a program that a module has run', () => {
  it('gets stdin and the environment of the plugin, and answers with its outputs and its code', async () => {
    await made(
      'runs',
      `trace(await utilities.run(['/bin/sh', '-c', 'cat; echo "$HOB_NODE_NAME in $PWD" >&2; exit 3'], { stdin: 'hello' }))`,
    );
    expect(await failureOf('runs')).toBeUndefined();
    expect(traced()).toEqual([[{ code: 3, signal: null, stdout: 'hello', stderr: 'bench in /\n', timedOut: false }]]);
  });

  it('can be run by the factory, before the plugin is there', async () => {
    await made('early', '', `trace((await utilities.run(['echo', 'hi'])).stdout);`);
    expect(traced()).toEqual([['hi\n']]);
  });

  it('is killed at its time limit, and has no more than 64 KiB of output', async () => {
    await made(
      'slow',
      `const { timedOut, stdout, signal: by } = await utilities.run(
         ['/bin/sh', '-c', 'head -c 200000 /dev/zero; sleep 600'], { timeoutMs: 300 });
       trace(timedOut, by, stdout.length)`,
    );
    await bench.run('postStart', [use('slow')]);
    expect(traced()).toEqual([[true, 'SIGKILL', 65536]]);
  });

  it.each([
    ['is not there', `['/no/such/program']`, '{}', /\/no\/such\/program could not be run: .*ENOENT/],
    ['is no list', `'ls -l'`, '{}', /argv must be a list of strings/],
    ['is nothing', '[]', '{}', /argv must be a list of strings/],
    ['has too large a stdin', `['cat']`, `{ stdin: 'x'.repeat(2 ** 21) }`, /argv and stdin together may have 1024 KiB/],
    ['has no sensible time', `['cat']`, '{ timeoutMs: -1 }', /timeoutMs must be a whole number/],
    ['enters what is no process', `['ls']`, `{ in: { pid: -4, namespaces: ['mount'] } }`, /in\.pid must be the pid/],
    [
      'enters what is no namespace',
      `['ls']`,
      `{ in: { pid: 1, namespaces: ['--all'] } }`,
      /namespaces has "--all"; there are mount,/,
    ],
    ['enters no namespace', `['ls']`, `{ in: { pid: 1, namespaces: [] } }`, /names no namespace/],
  ])('and that %s is refused in words', async (_, argv, options, words) => {
    await made('bad', `await utilities.run(${argv}, ${options})`);
    expect(await failureOf('bad')).toMatch(words);
  });

  it('is killed when its signal fires, and when its thread ends', async () => {
    const sleeper = `['/bin/sh', '-c', 'echo $$ >> ${bench.dir}/pids; exec sleep 600']`;
    await made(
      'aborts',
      `if (id === 'ends') { void utilities.run(${sleeper}, { timeoutMs: 60_000 }); return new Promise(() => {}); }
       await utilities.run(${sleeper}, { timeoutMs: 60_000, signal }).catch((error) => trace(error.message));`,
    );
    const [stops, ends] = [new AbortController(), new AbortController()];
    const pids = (): string[] =>
      existsSync(`${bench.dir}/pids`) ? readFileSync(`${bench.dir}/pids`, 'utf8').split('\n').slice(0, -1) : [];
    const first = bench.run('postStart', [use('aborts')], { signal: stops.signal, graceMs: 20_000 });
    await expect.poll(pids).toHaveLength(1);
    stops.abort();
    expect((await first).failures).toMatchObject([{ reason: 'HookAborted' }]);
    expect(traced()).toEqual([['the container is to stop']]);
    const second = bench.run('postStart', [use('aborts')], { id: 'ends', instanceID: 'i2', signal: ends.signal });
    await expect.poll(pids).toHaveLength(2);
    ends.abort();
    expect((await second).failures).toMatchObject([{ message: expect.stringContaining('its thread was ended') }]);
    for (const pid of pids()) await expect.poll(() => existsSync(`/proc/${pid}`)).toBe(false);
  });
});

describe('what a plugin remembers of a container', () => {
  const files = (): string[] => readdirSync(join(bench.dir, 'state/notes/metadata'));

  it('is there in the next thread, and gone after preDestruction of the instance, with and without a hook', async () => {
    await made(
      'notes',
      `const notes = utilities.metadata(id);
       trace(notes.get('count') ?? 0, notes.get('__proto__') ?? 'none');
       notes.set('count', 1); notes.set('gone', { deep: [] }); notes.delete('gone'); notes.set('__proto__', 'own');
       if (id === 'c1') process.exit(0)`,
    );
    await bench.run('postStart', [use('notes')]);
    await bench.run('postStart', [use('notes')], { instanceID: 'again' });
    await bench.run('postStart', [use('notes')], { id: 'c2', instanceID: 'other' });
    expect(traced()).toEqual([
      [0, 'none'],
      [1, 'own'],
      [0, 'none'],
    ]);
    expect(files()).toEqual(['c1.json', 'c2.json']);
    expect(JSON.parse(readFileSync(join(bench.dir, 'state/notes/metadata/c1.json'), 'utf8'))).toMatchObject({
      count: 1,
    });
    await bench.run('preDestruction', [use('notes')], { instanceID: 'again' });
    expect(files()).toEqual(['c2.json']);
  });

  it('is removed of an executable, and of a plugin that is no longer there, in the same place', async () => {
    bench.write(
      'prog',
      `#!/bin/sh\n[ $1 = describe ] && { echo '{"name": "prog", "hookHints": 4}'; exit; }\necho {} > "$HOB_PLUGIN_STATE_DIR/metadata/c1.json"\n`,
    );
    mkdirSync(join(bench.dir, 'state/old/metadata'), { recursive: true });
    writeFileSync(join(bench.dir, 'state/old/metadata/c1.json'), '{}');
    await bench.registry.start();
    await bench.run('postStart', [use('prog')]);
    expect(existsSync(join(bench.dir, 'state/prog/metadata/c1.json'))).toBe(true);
    await bench.run('preDestruction', [use('prog')]);
    expect(['prog', 'old'].filter((name) => existsSync(join(bench.dir, `state/${name}/metadata/c1.json`)))).toEqual([]);
  });

  it.each([
    ['a path', `utilities.metadata('../../x')`, /"\.\.\/\.\.\/x" is not the id of a container/],
    ['no JSON value', `utilities.metadata(id).set('f', () => 1)`, /under "f" must be a JSON value, not function/],
  ])('is refused when it is %s', async (_, body, words) => {
    await made('notes', body);
    expect(await failureOf('notes')).toMatch(words);
  });

  it('goes with the container, as do the records of it', async () => {
    await made('notes', '');
    const at = (file: string): string => join(bench.dir, 'state/notes', file);
    mkdirSync(at('records'));
    const gone = ['metadata/c1.json', 'records/c1.jsonl', 'records/c1.jsonl.1'];
    for (const file of [...gone, 'records/c2.jsonl']) writeFileSync(at(file), '{}\n');
    bench.registry.forget('c1');
    expect([...gone, 'records/c2.jsonl'].filter((file) => existsSync(at(file)))).toEqual(['records/c2.jsonl']);
  });
});
