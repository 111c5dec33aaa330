import {
  chmodSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import type { ChildProcess } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HintFlags } from 'hob/hint-flags';
import { MountFlags, type Plugin, PluginBase } from 'hob/plugin';
import { testPlugin } from 'hob/testing';
import { isAlive } from '../support/processes.ts';

let dir: string;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-kit-'));
});

afterAll(() => rmSync(dir, { recursive: true }));

const plugin = (more: Partial<Plugin>): Plugin => ({
  name: 'tried',
  hookHints: HintFlags.PostConstructionSync,
  postConstruction: () => true,
  ...more,
});

function script(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('a module under test', () => {
  it('answers with all that it adds to the container', async () => {
    const adding = plugin({
      postConstruction(id, startState, _rootfsPath, data) {
        const fd = openSync('/dev/null', 'r');
        startState.addFileDescriptor('tried', fd);
        closeSync(fd);
        startState.addMount('/usr', '/mnt', '', MountFlags.MS_BIND);
        return startState.addEnvironmentVariable(`DATA=${id} ${JSON.stringify(data)}`);
      },
    });
    const bench = await testPlugin(adding);
    const result = await bench.postConstruction({ id: 'web', data: { a: 1 } });
    expect(result).toEqual({
      ok: true,
      env: ['DATA=web {"a":1}'],
      mounts: [{ source: '/usr', destination: '/mnt', type: 'bind', options: ['bind'] }],
      fds: [expect.any(Number)],
    });
    const [fd = -1] = result.fds;
    expect(fstatSync(fd).isCharacterDevice()).toBe(true);
    await bench.close();
    expect(() => fstatSync(fd)).toThrow('EBADF');
  });

  it('may be a factory or a class, which are told what the test wants', async () => {
    class Named extends PluginBase {
      readonly name: string;
      readonly hookHints = HintFlags.PostStartSync;
      constructor({ nodeName }: { nodeName: string }) {
        super();
        this.name = nodeName;
      }
    }
    const environment = { nodeName: 'here' };
    await using made = await testPlugin(Named, { environment });
    expect([made.name, await made.postStart()]).toEqual(['here', expect.objectContaining({ ok: true })]);
    await using factory = await testPlugin(({ nodeName }) => plugin({ name: `${nodeName}-too` }), { environment });
    expect(factory.name).toBe('here-too');
  });

  it('is told the arguments of each hook', async () => {
    const told: unknown[] = [];
    const tell = (...args: unknown[]): boolean => told.push(args.slice(0, -1)) > 0;
    await using bench = await testPlugin(
      plugin({ hookHints: 0x1e, preStart: tell, postStart: tell, postStop: tell, preDestruction: tell }),
    );
    await bench.preStart({ pid: 1 });
    await bench.postStart();
    await bench.postStop({ id: 'web', rootfsPath: '/x/' });
    await bench.preDestruction();
    expect(told).toEqual([
      ['test', 1, bench.rootfsPath, null],
      ['test', process.pid, bench.rootfsPath, null],
      ['web', '/x/', null],
      ['test', bench.rootfsPath, null],
    ]);
  });

  it('is told the attempt, and as often as the test likes', async () => {
    const attempts: number[] = [];
    await using bench = await testPlugin(
      plugin({ postConstruction: (_id, _state, _path, _data, { attempt }) => attempts.push(attempt) > 0 }),
    );
    for (const attempt of [1, 2, 1]) await bench.postConstruction({ attempt });
    expect(attempts).toEqual([1, 2, 1]);
  });

  it.each([
    ['answers false', (): boolean => false, 'HookFailed', /answered false/],
    ['throws', (): Promise<boolean> => Promise.reject(new Error('no such thing')), 'HookThrew', /no such thing/],
    ['answers something else', (): boolean => 3 as unknown as boolean, 'BadAnswer', /number/],
  ] as const)('that %s fails as it would in hob', async (_, postConstruction, reason, message) => {
    await using bench = await testPlugin(plugin({ postConstruction }));
    const result = await bench.postConstruction();
    expect(result).toEqual({
      ok: false,
      reason,
      message: expect.stringMatching(message),
      env: [],
      mounts: [],
      fds: [],
    });
  });

  it('that never ends is told so by its signal, and given up', async () => {
    const begun = Promise.withResolvers<void>();
    const told: string[] = [];
    const hangs: Plugin['postConstruction'] = (_id, _state, _path, _data, { signal }) => {
      signal.addEventListener('abort', () => told.push(String(signal.reason)));
      begun.resolve();
      return new Promise(() => undefined);
    };
    await using bench = await testPlugin(plugin({ postConstruction: hangs }));
    const stop = new AbortController();
    const stopped = bench.postConstruction({ signal: stop.signal });
    await begun.promise;
    stop.abort();
    const ignored = expect.stringMatching(/ignored its AbortSignal/);
    expect(await stopped).toMatchObject({ reason: 'HookAborted', message: ignored });
    expect(await bench.postConstruction({ timeoutSeconds: 0.01 })).toMatchObject({
      reason: 'HookTimedOut',
      message: ignored,
    });
    expect(told).toEqual(['Error: the container is to stop', 'Error: it did not end within 0.01 s']);
  });

  it('that ends when its signal fires has failed all the same', async () => {
    await using bench = await testPlugin(
      plugin({
        postConstruction: (_id, _state, _path, _data, { signal }) => delay(60_000, true, { signal }).catch(() => true),
      }),
    );
    const result = await bench.postConstruction({ timeoutSeconds: 0.01 });
    expect(result).toMatchObject({ reason: 'HookTimedOut', message: expect.not.stringMatching(/ignored/) });
  });

  it('says in the log what a start state did not take', async () => {
    await using bench = await testPlugin(
      plugin({ postConstruction: (_id, state) => state.addEnvironmentVariable('NO_VALUE') || true }),
    );
    expect((await bench.postConstruction()).env).toEqual([]);
    expect(bench.logged).toEqual([expect.stringMatching(/NO_VALUE.*NAME=value/)]);
  });

  it('has utilities that work', async () => {
    await using bench = await testPlugin(({ stateDir }, { run, metadata }) =>
      plugin({
        hookHints: HintFlags.PostConstructionSync | HintFlags.PreDestructionSync,
        async postConstruction(id, startState) {
          const { stdout } = await run(['cat'], { stdin: 'read' });
          metadata(id).set('was', stdout);
          return startState.addEnvironmentVariable(`STATE=${existsSync(stateDir)}`);
        },
        preDestruction: (id) => metadata(id).get('was') === 'read',
      }),
    );
    expect((await bench.postConstruction({ id: 'web' })).env).toEqual(['STATE=true']);
    expect(bench.utilities.metadata('web').get('was')).toBe('read');
    expect((await bench.preDestruction({ id: 'web' })).ok).toBe(true);
    expect(bench.utilities.metadata('web').get('was')).toBeUndefined();
  });

  it('is refused with the words of hob when hob could not use it', async () => {
    await expect(testPlugin(plugin({ name: '../x' }))).rejects.toThrow(/its name is/);
    await expect(testPlugin(plugin({ hookHints: 2 }))).rejects.toThrow(/no such method/);
    await expect(testPlugin((() => 3) as unknown as () => Plugin)).rejects.toThrow(/default export/);
    await expect(testPlugin('index.mjs')).rejects.toThrow(/import it/);
  });

  it('cannot be asked for a hook that hob would not call', async () => {
    await using bench = await testPlugin(plugin({ postStop: () => true }));
    await expect(bench.postStop()).rejects.toThrow('the hookHints of tried leave out postStop');
  });

  it('has utilities that start nothing when their signal has fired before', async () => {
    await using bench = await testPlugin(plugin({}));
    const made = join(bench.environment.stateDir, 'made');
    await expect(bench.utilities.run(['touch', made], { signal: AbortSignal.abort() })).rejects.toThrow(/aborted/);
    expect(existsSync(made)).toBe(false);
  });

  it('leaves nothing behind', async () => {
    const bench = await testPlugin(plugin({}));
    const { stateDir } = bench.environment;
    expect([existsSync(stateDir), existsSync(bench.rootfsPath)]).toEqual([true, true]);
    await bench.close();
    expect([existsSync(stateDir), existsSync(bench.rootfsPath)]).toEqual([false, false]);
  });

  it('finds its state folder in the environment too, until the test is done with it', async () => {
    const told = (): string | undefined => process.env['HOB_PLUGIN_STATE_DIR'];
    process.env['HOB_PLUGIN_STATE_DIR'] = '/before';
    const [first, second] = [await testPlugin(plugin({})), await testPlugin(plugin({}))];
    await expect(testPlugin(plugin({ name: '../x' }))).rejects.toThrow();
    expect(told()).toBe(second.environment.stateDir);
    await second.close();
    expect(told()).toBe(first.environment.stateDir);
    await first.close();
    expect(told()).toBe('/before');
    delete process.env['HOB_PLUGIN_STATE_DIR'];
    await (await testPlugin(plugin({}))).close();
    expect(told()).toBeUndefined();
  });

  it('has the other variables that hob sets as well; the test stands where the plugin would', async () => {
    const names = ['HOB_PLUGIN_DIR', 'HOB_NODE_NAME', 'HOB_CGROUP_VERSION'];
    const told = (): (string | undefined)[] => names.map((name) => process.env[name]);
    const bench = await testPlugin(plugin({}));
    const { nodeName } = bench.environment;
    expect(told()).toEqual([import.meta.dirname, nodeName, '2']);
    const { stdout } = await bench.utilities.run(['env']);
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining([`HOB_PLUGIN_DIR=${import.meta.dirname}`, `HOB_NODE_NAME=${nodeName}`]),
    );
    await bench.close();
    expect(told()).toEqual([undefined, undefined, undefined]);
  });
});

describe('an executable under test', () => {
  const describing = `[ "$1" = describe ] && exec echo '{"name": "sh", "hookHints": ["PostConstructionSync", "PreStartAsync"]}'`;

  it('may be a folder, and has exactly the environment that hob gives it', async () => {
    const folder = join(dir, 'tool');
    mkdirSync(folder);
    writeFileSync(join(folder, 'package.json'), '{"hob": {"environment": ["KIT_TOKEN"]}}');
    process.env['KIT_TOKEN'] = 'passed on';
    const path = script('tool/tool', `${describing}\nenv | grep -v ^PWD= >&2`);
    for (const subject of [folder, path]) {
      await using bench = await testPlugin(subject);
      await bench.preStart();
      expect(bench.logged.map((line) => line.split('=')).toSorted()).toEqual([
        ['HOB_CGROUP_VERSION', '2'],
        ['HOB_NODE_NAME', bench.environment.nodeName],
        ['HOB_PLUGIN_DIR', folder],
        ['HOB_PLUGIN_STATE_DIR', bench.environment.stateDir],
        ['HOME', '/'],
        ['KIT_TOKEN', 'passed on'],
        ['LANG', 'C.UTF-8'],
        ['PATH', expect.stringContaining('/usr/bin')],
      ]);
    }
    delete process.env['KIT_TOKEN'];
  });

  it('is refused as a folder that hob would not take', async () => {
    mkdirSync(join(dir, 'empty'));
    await expect(testPlugin(join(dir, 'empty'))).rejects.toThrow(/no executable file empty/);
    mkdirSync(join(dir, 'module'));
    writeFileSync(join(dir, 'module/index.mjs'), '');
    await expect(testPlugin(join(dir, 'module'))).rejects.toThrow(/import it/);
  });

  it('is run as hob runs it', async () => {
    const path = script(
      'works',
      `${describing}\ncat >"$HOB_PLUGIN_STATE_DIR/call"\necho noted >&2\necho '{"env": ["A=b"]}'`,
    );
    await using bench = await testPlugin(path);
    expect(bench.name).toBe('sh');
    expect(await bench.postConstruction({ data: [1] })).toEqual({ ok: true, env: ['A=b'], mounts: [], fds: [] });
    expect(bench.logged).toEqual(['noted']);
    const call: unknown = JSON.parse(readFileSync(join(bench.environment.stateDir, 'call'), 'utf8'));
    expect(call).toMatchObject({ id: 'test', data: [1], attempt: 1, hookPoint: 'postConstruction' });
  });

  it('fails with its exit code, its wrong answer, or its time limit', async () => {
    await using fails = await testPlugin(script('fails', `${describing}\necho why >&2; exit 3`));
    expect(await fails.preStart()).toMatchObject({
      reason: 'HookFailed',
      message: expect.stringMatching(/code 3.*why/),
    });
    await using babbles = await testPlugin(script('babbles', `${describing}\necho hello`));
    expect(await babbles.preStart()).toMatchObject({ reason: 'BadAnswer' });
    await using hangs = await testPlugin(script('hangs', `${describing}\nexec sleep 60`));
    expect(await hangs.preStart({ timeoutSeconds: 0.05 })).toMatchObject({ reason: 'HookTimedOut' });
  });

  it.each([
    ['in its process group', 'sleep 600'],
    ['in a session of its own', 'setsid sleep 600'],
  ])('has ended when it has, though what it started goes on %s and has its outputs', async (_, command) => {
    await using bench = await testPlugin(script('starts', `${describing}\n${command} & echo said >&2; echo $! >&2`));
    const result = await bench.preStart({ timeoutSeconds: 5 });
    const [said, pid] = bench.logged;
    const goesOn = isAlive(Number(pid));
    if (goesOn) process.kill(Number(pid), 'SIGKILL');
    expect([result.ok, said, goesOn]).toEqual([true, 'said', true]);
  });

  it('is stopped without harm at the very moment at which it has ended', async () => {
    await using bench = await testPlugin(script('ends', describing));
    const stop = new AbortController();
    const onStart = (message: unknown): void =>
      void (message as { process: ChildProcess }).process.once('exit', () => stop.abort());
    diagnostics.subscribe('child_process', onStart);
    const result = await bench.preStart({ signal: stop.signal });
    diagnostics.unsubscribe('child_process', onStart);
    expect(result).toMatchObject({ reason: 'HookAborted' });
  });

  it('is refused with the words of hob when hob could not use it', async () => {
    await expect(testPlugin(script('mute', ':'))).rejects.toThrow(/not JSON/);
    await expect(testPlugin(join(dir, 'missing'))).rejects.toThrow(/could not be started/);
  });
});
