import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { container, running } from '../fixtures/fake-backend.ts';
import type { Command, ServedHob } from '../fixtures/served-hob.ts';
import { eventually, servedHob } from '../fixtures/served-hob.ts';

const execute = promisify(execFile);
/** For shells. */
const hobCommand = `"${process.execPath}" --disable-warning=ExperimentalWarning "${join(import.meta.dirname, '../../src/cli/main.ts')}"`;

let hob: ServedHob;
let started: Command[];

beforeEach(async () => {
  hob = await servedHob();
  started = [];
});

afterEach(async () => {
  for (const command of started) command.end();
  await hob.dispose();
});

/** A command that goes on until the end of the test. */
function start(...args: string[]): Command {
  const command = hob.start(args);
  started.push(command);
  return command;
}

const linesOf = (text: string): string[] => text.split('\n').filter(Boolean);
const wordsOf = (line = ''): string[] => line.split(/\s{2,}/);

const spec = `apiVersion: hob.dev/v1alpha1
kind: Container
metadata: { name: web }
spec: { rootfs: { path: / }, command: [sleep, '60'] }
`;

const inBackoff = {
  ...running,
  phase: 'Backoff' as const,
  restartCount: 3,
  lastTermination: { exitCode: 3, reason: 'Error', finishedAt: new Date(Date.now() - 3 * 3_600_000).toISOString() },
  conditions: [
    {
      type: 'Ready',
      status: 'False' as const,
      reason: 'Error',
      message: 'exit code 3',
      lastTransitionTime: new Date().toISOString(),
    },
  ],
};

describe('get', () => {
  it('shows a table, by name', async () => {
    hob.backend.put(
      container('web', running, { creationTimestamp: new Date(Date.now() - 3 * 3_600_000).toISOString() }),
    );
    hob.backend.put(container('crash', inBackoff));
    const { code, stdout, stderr } = await hob.cli('get');
    const [titles, first, second, ...rest] = linesOf(stdout);
    expect(wordsOf(titles)).toEqual(['NAME', 'PHASE', 'READY', 'RESTARTS', 'AGE']);
    expect(wordsOf(first).slice(0, 4)).toEqual(['crash', 'Backoff', 'False', '3 (3h ago)']);
    expect(wordsOf(second)).toEqual(['web', 'Running', 'True', '0', '3h']);
    expect({ rest, stderr, code }).toEqual({ rest: [], stderr: '', code: 0 });
  });

  it('-A and -o wide add columns, --no-headers leaves the titles away', async () => {
    hob.backend.put(container('crash', inBackoff, { namespace: 'shop' }));
    const [titles, row] = linesOf((await hob.cli('get', '-A', '-o', 'wide')).stdout);
    expect(wordsOf(titles)).toEqual([
      'NAMESPACE',
      'NAME',
      'PHASE',
      'READY',
      'RESTARTS',
      'AGE',
      'PID',
      'EXIT',
      'INSTANCE',
      'REASON',
    ]);
    expect(wordsOf(row)).toEqual(expect.arrayContaining(['shop', 'crash', '4242', 'aaaaaaaa-1', 'Error: exit code 3']));
    expect(linesOf((await hob.cli('get', '-A', '--no-headers')).stdout)).toHaveLength(1);
  });

  it('-o json is a List, or with one name the object itself; yaml likewise', async () => {
    hob.backend.put(container('web', running));
    hob.backend.put(container('db'));
    const list: unknown = JSON.parse((await hob.cli('get', '-o', 'json')).stdout);
    expect(list).toMatchObject({
      apiVersion: 'v1',
      kind: 'List',
      items: [{ metadata: { name: 'db' } }, { metadata: { name: 'web' } }],
    });
    const one: unknown = JSON.parse((await hob.cli('get', 'web', '-ojson')).stdout);
    expect(one).toMatchObject({
      kind: 'Container',
      metadata: { name: 'web' },
      status: { phase: 'Running', pid: 4242 },
    });
    const yaml: unknown = parseYaml((await hob.cli('get', 'container/web', '-o=yaml')).stdout);
    expect(yaml).toEqual(one);
    expect(JSON.parse((await hob.cli('get', 'web', 'db', '-o', 'json')).stdout)).toMatchObject({ kind: 'List' });
    expect((await hob.cli('get', '-o', 'name')).stdout).toBe('container.hob.dev/db\ncontainer.hob.dev/web\n');
  });

  it('chooses by labels and namespace, and says when there is nothing', async () => {
    hob.backend.put(container('web', running, { labels: { app: 'web' } }));
    hob.backend.put(container('db', running, { labels: { app: 'db' } }));
    expect((await hob.cli('get', '-l', 'app=db', '-o', 'name')).stdout).toBe('container.hob.dev/db\n');
    expect(await hob.cli('get', '-n', 'shop')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No resources found in shop namespace.\n',
    });
    expect(await hob.cli('get', '-l', 'app in')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Error from server (BadRequest)'),
    });
  });

  it('of what is not there is an error, and the others are shown all the same', async () => {
    hob.backend.put(container('web', running));
    const missing = 'Error from server (NotFound): containers "nope" not found\n';
    expect(await hob.cli('get', 'nope')).toEqual({ code: 1, stdout: '', stderr: missing });
    expect(await hob.cli('get', 'nope', 'web', '-o', 'name')).toEqual({
      code: 1,
      stdout: 'container.hob.dev/web\n',
      stderr: missing,
    });
  });

  it('tells of specs with mistakes, which is why a container may not be there', async () => {
    const mistake = {
      origin: '/specs/nope.yaml',
      line: 7,
      column: 3,
      path: 'spec.comand',
      message: 'there is no such field',
      name: 'nope',
    };
    hob.backend.sources = () => [
      { name: 'directory:/specs', synced: true, containers: 0, mistakes: [mistake], unavailable: 'EIO' },
    ];
    const told = '/specs/nope.yaml:7:3: spec.comand: there is no such field';
    expect((await hob.cli('get')).stderr).toContain(told);
    expect((await hob.cli('get')).stderr).toContain('directory:/specs cannot be read: EIO');
    expect((await hob.cli('get', 'nope')).stderr).toContain(told);
    expect((await hob.cli('wait', 'nope', '--for=condition=Ready', '--timeout=100ms')).stderr).toContain(told);
    expect((await hob.cli('get', 'sources')).stderr).toContain(told);
  });

  it('-w goes on with each change, and with another hob', async () => {
    hob.backend.put(container('web', { phase: 'Starting' }));
    const watch = start('get', '-w');
    await eventually(() => expect(linesOf(watch.stdout())).toHaveLength(2));
    hob.backend.put(container('web', running));
    hob.backend.put(container('db', running));
    hob.backend.drop('default', 'db');
    await eventually(() => expect(linesOf(watch.stdout())).toHaveLength(5));
    await hob.end();
    await eventually(() => expect(watch.stderr()).toContain('hob is gone'));
    hob.backend.put(container('web', inBackoff));
    await hob.serve();
    await eventually(() => expect(linesOf(watch.stdout())).toHaveLength(6));
    const shown = linesOf(watch.stdout()).map((line) => wordsOf(line).slice(0, 2).join(' '));
    expect(shown).toEqual(['NAME PHASE', 'web Starting', 'web Running', 'db Running', 'db Gone', 'web Backoff']);
  });

  it('-w -o json shows whole objects', async () => {
    hob.backend.put(container('web', running));
    const watch = start('get', 'web', '-w', '-o', 'json');
    await eventually(() => expect(JSON.parse(watch.stdout())).toMatchObject({ metadata: { name: 'web' } }));
  });

  it('plugins shows what they take part in, how their calls went, and what is wrong with them', async () => {
    const { stdout, stderr } = await hob.cli('get', 'plugins');
    expect(stdout).toMatch(/^NAME +KIND +STATE +CALLS +FAILED +P99 +HOOKS$/m);
    expect(stdout).toMatch(/^net +module +ready +12 +2 +30s +preStart,postStop\(async\)$/m);
    expect(stdout).toMatch(/^broken +executable +broken +0 +0 +<none>$/m);
    expect(stdout).toMatch(/^chatty +module +warning +5 +0 +0.25ms +postConstruction\(async\) \+ 4 more\.\.\.$/m);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(stderr).toBe('broken: describe: exit code 3\nchatty: it has a method postStop without a hint\n');
    expect(JSON.parse((await hob.cli('plugins', '-o', 'json')).stdout)).toMatchObject({
      items: [
        {
          name: 'net',
          version: 'ab12cd34ef56',
          hooks: [{ point: 'preStart', calls: 12, failures: 2, p50Ms: 1.25 }, {}],
        },
        { name: 'broken', state: 'broken', message: 'describe: exit code 3' },
        { name: 'chatty', state: 'warning' },
      ],
    });
  });

  it('plugins -o wide has everything on one line each', async () => {
    const { stdout, stderr } = await hob.cli('plugins', '-o', 'wide');
    expect(stdout).toMatch(/^net .* 1\.3ms +30s +ab12cd34ef56 +\/etc\/hob\/plugins\/net +preStart,postStop\(async\)$/m);
    expect(stdout).toMatch(/^broken .* describe: exit code 3$/m);
    expect(stderr).toBe('');
  });

  it('plugins NAME shows each hook of it', async () => {
    const { stdout } = await hob.cli('plugins', 'net', 'broken');
    for (const part of [
      /^Name: +net$/m,
      /^Version: +ab12cd34ef56$/m,
      /^ +preStart +sync +12 +2 +1.3ms +30s$/m,
      /^ +postStop +async +0 +0$/m,
      /^State: +broken\nMessage: +describe: exit code 3$/m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toContain('chatty');
    expect(await hob.cli('plugins', 'nett')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error from server (NotFound): there is no plugin "nett" (did you mean net?)\n',
    });
    expect((await hob.cli('plugins', 'net', 'something/else')).stderr).toBe(
      'Error from server (NotFound): there is no plugin "something/else": no plugin folder has something/else\n',
    );
  });
});

describe('describe', () => {
  it('shows status, conditions, hooks, spec and events', async () => {
    const hooks = {
      preStart: [
        {
          plugin: 'net',
          outcome: 'failed' as const,
          reason: 'HookTimedOut',
          message: 'after 30 s',
          startedAt: '2026-01-01T00:00:02.500Z',
          durationMs: 30_000,
          attempt: 2,
        },
        { plugin: 'slow', outcome: 'running' as const, startedAt: '2026-01-01T00:00:03.000Z', attempt: 1 },
      ],
      postConstruction: [
        {
          plugin: 'net',
          outcome: 'interrupted' as const,
          startedAt: '2026-01-01T00:00:01.000Z',
          attempt: 1,
        },
      ],
    };
    hob.backend.put(
      container(
        'web',
        { ...inBackoff, hooks, nextRestartAt: '2026-01-01T00:00:00Z' },
        { labels: { app: 'web', tier: 'x' } },
      ),
    );
    const regarding = { kind: 'Container', name: 'web', namespace: 'default' } as const;
    hob.backend.addEvent({ type: 'Warning', reason: 'BackOff', message: 'exit code 3', regarding });
    hob.backend.addEvent({ type: 'Warning', reason: 'BackOff', message: 'exit code 3', regarding });
    hob.backend.addEvent({
      type: 'Normal',
      reason: 'Elsewhere',
      message: 'x',
      regarding: { ...regarding, name: 'db' },
    });
    const { stdout, code } = await hob.cli('describe', 'web');
    expect(code).toBe(0);
    for (const part of [
      /^Name: +web$/m,
      /^Labels: +app=web\n +tier=x$/m,
      /^Phase: +Backoff$/m,
      /^Next Restart: +2026-01-01T00:00:00Z$/m,
      /^ +Exit Code: +3$/m,
      /^ +Ready +False .*exit code 3$/m,
      new RegExp(
        [
          /Hooks:\n {2}STARTED +POINT +PLUGIN +OUTCOME +TOOK +ATTEMPT +MESSAGE/,
          /\n {2}2026-01-01T00:00:01.000Z +postConstruction +net +interrupted +1/,
          /\n {2}2026-01-01T00:00:02.500Z +preStart +net +failed +30s +2 +HookTimedOut: after 30 s/,
          /\n {2}2026-01-01T00:00:03.000Z +preStart +slow +running +1\n/,
        ]
          .map(({ source }) => source)
          .join(''),
      ),
      /^ +path: \/srv\/rootfs$/m,
      /\(x2 over .*BackOff +container\/web +exit code 3$/m,
    ])
      expect(stdout).toMatch(part);
    expect(stdout).not.toContain('Elsewhere');
    expect((await hob.cli('describe', 'nope')).code).toBe(1);
  });
});

describe('events', () => {
  const event = (name: string, message: string) =>
    hob.backend.addEvent({
      type: 'Normal',
      reason: 'R',
      message,
      regarding: { kind: 'Container', name, namespace: 'default' },
    });

  it('are all shown, or those of one container', async () => {
    event('web', 'one');
    event('db', 'two');
    hob.backend.addEvent({
      type: 'Warning',
      reason: 'InvalidSpec',
      message: 'a:1\nb:2',
      regarding: { kind: 'File', name: '/specs/x.yaml' },
    });
    const all = await hob.cli('events');
    expect(wordsOf(linesOf(all.stdout)[0])).toEqual(['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE']);
    expect(all.stdout).toMatch(/container\/web +one\n.*container\/db +two\n.*file:\/specs\/x\.yaml +a:1\n +b:2\n/);
    const web = await hob.cli('events', 'web');
    expect(web.stdout).toContain('one');
    expect(web.stdout).not.toContain('two');
    expect(JSON.parse((await hob.cli('get', 'events', '-o', 'json')).stdout)).toMatchObject({
      kind: 'List',
      items: [{ kind: 'Event' }, {}, {}],
    });
  });

  it('-w go on with what happens', async () => {
    event('web', 'one');
    const watch = start('events', '-w');
    await eventually(() => expect(watch.stdout()).toContain('one'));
    event('db', 'two');
    await eventually(() => expect(watch.stdout()).toContain('two'));
    expect(linesOf(watch.stdout())).toHaveLength(3);
  });
});

describe('wait', () => {
  it('ends when all are as they should be', async () => {
    const wait = start('wait', 'web', 'db', '--for=condition=Ready');
    hob.backend.put(container('web', running));
    await eventually(() => expect(wait.stdout()).toContain('container.hob.dev/web condition met'));
    hob.backend.put(container('db', inBackoff));
    hob.backend.put(container('db', running));
    expect(await wait.done).toMatchObject({ code: 0, stdout: expect.stringContaining('db condition met') });
  });

  it('knows phases, other conditions and being gone', async () => {
    hob.backend.put(container('web', inBackoff));
    expect((await hob.cli('wait', 'web', '--for=phase=backoff')).stdout).toBe('container.hob.dev/web is Backoff\n');
    expect((await hob.cli('wait', 'web', '--for=condition=ready=false')).code).toBe(0);
    const gone = start('wait', 'web', '--for=delete');
    await eventually(() => expect(hob.backend.watchers()).toBe(1));
    hob.backend.drop('default', 'web');
    expect((await gone.done).code).toBe(0);
  });

  it('that is in vain says what is missing', async () => {
    hob.backend.put(container('web', inBackoff));
    const { code, stdout, stderr } = await hob.cli('wait', 'web', 'nope', '--for=condition=Ready', '--timeout', '2s');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/timed out .*"web" is not Ready: its phase is Backoff; Ready=False, Error: exit code 3/);
    expect(stderr).toMatch(/timed out .*containers "nope" not found/);
  });

  it('for what there is not is refused at once', async () => {
    for (const [goal, message] of [
      ['--for=phase=Runing', /did you mean Running/],
      ['--for=phase', /--for takes/],
      ['--for=sunshine', /--for takes/],
    ] as const)
      expect(await hob.cli('wait', 'web', goal)).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
    expect((await hob.cli('wait', 'web', '--for=delete', '--timeout=soon')).stderr).toMatch(/--timeout takes a time/);
  });
});

describe('exec', () => {
  beforeEach(() => hob.backend.put(container('web', running)));

  it('becomes the command: output, signals and exit code are its own', async () => {
    hob.backend.answers.exec = { argv: ['sh', '-c', 'echo out; echo err >&2; exit 7'] };
    expect(await hob.cli('exec', 'web', '--', 'ls', '-l')).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(hob.backend.asked.exec).toEqual([{ command: ['ls', '-l'], tty: false }]);
  });

  it('hands standard input on only with -i', async () => {
    hob.backend.answers.exec = { argv: ['cat'] };
    expect((await hob.start(['exec', '-i', 'web', '--', 'cat'], { input: 'hello' }).done).stdout).toBe('hello');
    expect((await hob.start(['exec', 'web', '--', 'cat'], { input: 'hello' }).done).stdout).toBe('');
  });

  it('goes where hob is, when that is another mount namespace', async () => {
    hob.backend.answers.exec = { argv: ['readlink', '/proc/self/ns/mnt'], mountNamespacePid: process.pid };
    const own = execFileSync('readlink', ['/proc/self/ns/mnt'], { encoding: 'utf8' });
    expect((await hob.cli('exec', 'web', '--', 'x')).stdout).toBe(own);
  });

  it('takes flags before the command, and none of the command', async () => {
    hob.backend.answers.exec = { argv: ['true'] };
    await hob.cli('exec', '--user=1:2', '--cwd', '/tmp', '--env', 'A=1', '--env=B=2', 'web', 'ls', '-n', '--help');
    expect(hob.backend.asked.exec).toEqual([
      { command: ['ls', '-n', '--help'], tty: false, user: '1:2', cwd: '/tmp', env: ['A=1', 'B=2'] },
    ]);
    const noTerminal = await hob.cli('exec', '-it', 'web', '--', 'ls');
    expect(noTerminal.stderr).toContain('Unable to use a TTY');
    expect(hob.backend.asked.exec.at(-1)).toEqual({ command: ['ls'], tty: false });
  });

  it('without a command or a container is refused', async () => {
    expect(await hob.cli('exec', 'web')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('at least one command'),
    });
    expect(await hob.cli('exec', 'nope', '--', 'ls')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('(NotFound)'),
    });
    hob.backend.answers.exec = { argv: ['no-such-program'] };
    expect(await hob.cli('exec', 'web', '--', 'ls')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('not in PATH'),
    });
  });
});

describe('specs', () => {
  it('are validated without a hob, as a compiler does', async () => {
    const good = join(hob.dir, 'good.yaml');
    const folder = join(hob.dir, 'specs');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(good, spec);
    writeFileSync(join(folder, 'sub/bad.yaml'), spec.replace('rootfs:', 'rotfs:'));
    writeFileSync(join(folder, 'notes.txt'), 'not a spec');
    await hob.end();
    expect(await hob.cli('validate', good)).toEqual({ code: 0, stdout: `${good}: valid (web)\n`, stderr: '' });
    const bad = await hob.cli('validate', good, folder);
    expect(bad).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/specs\/sub\/bad\.yaml:4:9: spec\.rotfs: .*rootfs/),
    });
    expect((await hob.start(['validate', '-'], { input: spec }).done).stdout).toBe('-: valid (web)\n');
    expect((await hob.start(['validate', good, '-'], { input: spec }).done).stderr).toMatch(
      /default\/web is declared in .*good\.yaml already/,
    );
    expect(await hob.cli('validate', join(hob.dir, 'none'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ENOENT'),
    });
    expect((await hob.cli('validate')).code).toBe(1);
  });

  it('are applied, and each result is told', async () => {
    const mistake = { origin: '-', line: 2, column: 1, path: 'kind', message: 'unknown' };
    hob.backend.answers.apply = [
      { outcome: 'created', name: 'web', namespace: 'default' },
      { outcome: 'refused', name: 'db', namespace: 'default', message: 'it is declared in /specs/db.yaml' },
      { outcome: 'invalid', mistakes: [mistake] },
    ];
    const { code, stdout, stderr } = await hob.start(['apply', '-f', '-'], { input: spec }).done;
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'container.hob.dev/web created\n' });
    expect(stderr).toContain('/specs/db.yaml');
    expect(stderr).toContain('-:2:1: kind: unknown');
    expect(hob.backend.asked.apply).toEqual([{ text: spec, origin: '-' }]);
    writeFileSync(join(hob.dir, 'large.yaml'), Buffer.alloc(3 * 1024 * 1024));
    expect((await hob.cli('apply', '-f', join(hob.dir, 'large.yaml'))).stderr).toContain('larger than 2 MiB');
    expect((await hob.cli('apply', 'x.yaml')).stderr).toContain('-f FILE');
  });

  it('are explained', async () => {
    expect((await hob.cli('explain', 'spec.resources')).stdout).toContain('memory');
    expect(await hob.cli('explain', 'spec.resorces')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('resources'),
    });
  });
});

describe('delete', () => {
  it('deletes by name or by spec, and waits until all is gone', async () => {
    const file = join(hob.dir, 'web.yaml');
    writeFileSync(file, spec);
    hob.backend.put(container('web', running));
    expect(await hob.cli('delete', '-f', file)).toEqual({
      code: 0,
      stdout: 'container.hob.dev "web" deleted\n',
      stderr: '',
    });
    hob.backend.put(container('slow', running));
    hob.backend.remove = async () => Promise.resolve();
    const deletion = start('delete', 'slow');
    await eventually(() => expect(deletion.stdout()).toContain('"slow" deleted'));
    await eventually(() => expect(hob.backend.watchers()).toBe(1));
    hob.backend.drop('default', 'slow');
    expect((await deletion.done).code).toBe(0);
    hob.backend.put(container('stuck', running));
    expect(await hob.cli('delete', 'stuck', '--timeout=100ms')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('default/stuck'),
    });
    expect((await hob.cli('delete', 'stuck', '--wait=false')).code).toBe(0);
  });

  it('names the file that declares a container, and what is not there', async () => {
    hob.backend.put(container('web', running));
    hob.backend.answers.declaredIn = '/specs/web.yaml';
    expect(await hob.cli('delete', 'web', 'nope')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/\/specs\/web\.yaml[^]*"nope" not found/),
    });
    expect((await hob.cli('delete', 'nope', '--ignore-not-found')).code).toBe(0);
    expect((await hob.cli('delete')).code).toBe(1);
  });
});

describe('the command line', () => {
  it('says how to start a hob that does not run', async () => {
    await hob.end();
    const stderr = `error: hob is not running (no socket at ${hob.socketPath}). Start it with`;
    expect(await hob.cli('get')).toMatchObject({ code: 1, stderr: expect.stringContaining(stderr) });
    expect(await hob.cli('version')).toMatchObject({ code: 0, stdout: expect.stringContaining('running: none') });
  });

  it('finds hob by --run-dir before HOB_RUN_DIR', async () => {
    const elsewhere = { env: { HOB_RUN_DIR: '/nowhere' } };
    expect((await hob.start(['get'], elsewhere).done).stderr).toContain('/nowhere/hob.sock');
    expect((await hob.start(['get', '--run-dir', hob.dir], elsewhere).done).code).toBe(0);
  });

  it('names what was meant by a verb or flag that there is not', async () => {
    expect(await hob.cli('gte')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/unknown command "gte".*get/),
    });
    expect(await hob.cli('get', '--wach')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--wach .*--watch[^]*hob get --help/),
    });
    expect(await hob.cli('get', '-o', 'xml')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('wide,json,yaml,name'),
    });
    expect(await hob.cli('get', '-n')).toMatchObject({ code: 1, stderr: expect.stringContaining('argument missing') });
    expect(await hob.cli('run', '--log-level', 'inof')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did you mean info'),
    });
    expect(await hob.cli('run', 'specs/')).toMatchObject({ code: 1, stderr: expect.stringContaining('--watch') });
  });

  it('has help for every verb it names, with examples of verbs that there are', async () => {
    const overview = (await hob.cli('help')).stdout;
    const verbs = [...overview.matchAll(/^ {2}(\w+) {2,}\w/gm)].map(([, verb = '']) => verb);
    expect(verbs.length).toBeGreaterThan(12);
    const helps = await Promise.all(verbs.map((verb) => hob.cli(verb, '--help')));
    for (const [index, { code, stdout }] of helps.entries()) {
      expect(code).toBe(0);
      expect(stdout).toContain(`hob ${verbs[index]}`);
    }
    expect((await hob.cli('help', 'get')).stdout).toBe((await hob.cli('get', '-h')).stdout);
    expect((await hob.cli()).stdout).toBe(overview);
  });

  it('is quiet when nobody reads on', async () => {
    for (let n = 0; n < 3_000; n++) hob.backend.put(container(`c${n}`, running));
    const env = { ...process.env, HOB_RUN_DIR: hob.dir };
    const { stdout, stderr } = await execute('sh', ['-c', `${hobCommand} get | head -1`], { env });
    expect(stdout).toMatch(/^NAME .*\n$/);
    expect(stderr).toBe('');
  });

  it('doctor shows each finding, and fails when one keeps hob from working', async () => {
    const { code, stdout } = await hob.cli('doctor', '--state-dir', hob.dir);
    expect(stdout).toMatch(/^\w+ +crun /m);
    expect(stdout).toContain(hob.socketPath);
    expect(code).toBe(/^problem /m.test(stdout) ? 1 : 0);
  });

  it('down tells how it goes, and fails when hob goes away before the end', async () => {
    hob.backend.answers.down = [{ message: 'web is gone' }, { message: 'all gone', done: true }];
    expect(await hob.cli('down')).toEqual({ code: 0, stdout: 'web is gone\nall gone\n', stderr: '' });
    hob.backend.answers.down = [{ message: 'web is gone' }];
    expect(await hob.cli('down')).toMatchObject({ code: 1, stderr: expect.stringContaining('hob down') });
  });

  it('is in colours on a terminal, and in none with NO_COLOR', async () => {
    hob.backend.put(container('web', running));
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...env } = process.env;
    const onTerminal = async (more: Record<string, string>): Promise<string> => {
      const options = { env: { ...env, TERM: 'xterm', HOB_RUN_DIR: hob.dir, ...more } };
      return (await execute('script', ['-qec', `${hobCommand} get`, '/dev/null'], options)).stdout;
    };
    expect(await onTerminal({})).toContain('\x1b[32mRunning');
    expect(await onTerminal({ NO_COLOR: '1' })).not.toContain('\x1b[');
  });
});
