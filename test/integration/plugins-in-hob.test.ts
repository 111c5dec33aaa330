import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keeperOf, untilEvent, untilHookEnded } from '../support/faults.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const traced = (): unknown[] => {
  const path = join(hob.dir, 'trace');
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line): unknown => JSON.parse(line))
    : [];
};

/** A module that tells what it finds at each point; it watches over what is its own as long as it lives. */
function putWatcher(): void {
  const source = `
    import { appendFileSync, existsSync, rmSync } from 'node:fs';
    import { HintFlags } from 'hob/hint-flags';
    import { PluginBase } from 'hob/plugin';
    const trace = (...what) => appendFileSync('${hob.dir}/trace', JSON.stringify(what) + '\\n');
    export default class extends PluginBase {
      name = 'watcher';
      hookHints = HintFlags.PreStartSync | HintFlags.PostStartSync | HintFlags.PostStopSync;
      constructor(environment, utilities) {
        super();
        Object.assign(this, { environment, utilities });
        setInterval(() => {
          if (!existsSync('${hob.dir}/ask')) return;
          rmSync('${hob.dir}/ask');
          trace('alive', utilities.metadata('watched').get('pid'));
        }, 20);
      }
      async preStart(id, pid, rootfsPath) {
        const { stdout, stderr } = await this.utilities.run(
          ['/bin/sh', '-c', 'mount -t tmpfs none "$0" && echo in > "$0/note" && echo done', rootfsPath + 'mnt'],
          { in: { pid, namespaces: ['mount', 'ipc', 'network', 'cgroup'] } });
        trace('preStart', stdout + stderr);
        return true;
      }
      async postStart(id, pid, rootfsPath) {
        this.utilities.metadata(id).set('pid', pid);
        const { stdout } = await this.utilities.run(['/bin/sh', '-c', 'cat /mnt/note; hostname; echo $$'],
          { in: { pid, namespaces: ['mount', 'pid', 'uts'] } });
        trace('postStart', stdout, existsSync(this.environment.cgroupPath(id, 'pids')), this.environment.cgroupVersion);
        return true;
      }
      postStop(id) { trace('postStop', this.utilities.metadata(id).get('pid')); return true; }
    }`;
  writeFileSync(join(hob.dir, 'watcher.new'), source);
  renameSync(join(hob.dir, 'watcher.new'), join(hob.plugins, 'watcher.mjs'));
}

const metadata = (): boolean => existsSync(join(hob.dir, 'state/plugins/watcher/metadata/watched.json'));

it('a plugin enters the namespaces of a container, knows its cgroup, and lives and remembers over a kill of hob', async () => {
  putWatcher();
  hob.drop('watched', { command: runsForever, hostname: 'watched-host', plugins: [{ name: 'watcher' }] });
  const pid = (await hob.untilPhase('watched', 'Running')).status?.pid;
  await untilHookEnded(hob, 'watched', 'postStart');
  expect(traced()).toEqual([
    ['preStart', 'done\n'],
    // The shell is a process of the container's pid namespace: the first free number, whatever the container itself has started.
    ['postStart', expect.stringMatching(/^in\nwatched-host\n\d{1,3}\n$/), true, expect.any(Number)],
  ]);

  await hob.kill();
  await hob.start();
  expect(hob.get('watched')?.status).toMatchObject({ phase: 'Running', pid });
  writeFileSync(join(hob.dir, 'ask'), '');
  await untilTrue('the plugin is there with no call', () => traced().length === 3);
  expect(traced()[2]).toEqual(['alive', pid]);

  hob.remove('watched');
  await hob.until('watched', 'is gone', (one) => one === undefined);
  expect(traced()[3]).toEqual(['postStop', pid]);
  expect(metadata()).toBe(false);
});

it('a container that waits for a broken plugin is told what is wrong with it', async () => {
  writeFileSync(join(hob.plugins, 'wrong.mjs'), 'throw new Error("half of it");');
  hob.drop('waits', { command: runsForever, plugins: [{ name: 'wrong' }] });
  const words = /waits for plugin wrong: .*wrong\.mjs is broken: .*half of it/;
  await untilEvent(hob, 'default/waits', 'PluginNotFound', words);
  await hob.until('waits', 'says what it waits for', (one) =>
    Boolean(one?.status?.conditions?.some(({ type, message }) => type === 'Ready' && words.test(message ?? ''))),
  );
  hob.remove('waits');
  await hob.until('waits', 'is gone', (one) => one === undefined);
});

it('a plugin that mounts what is not there is named by the event, and no start is tried', async () => {
  const mount = `{"source": "/not/there", "destination": "/mnt", "options": ["bind"]}`;
  putProgram(
    'prints',
    `#!/bin/sh\n[ $1 = describe ] && { echo '{"name":"prints","hookHints":1}'; exit; }\necho '{"mounts": [${mount}]}'\n`,
  );
  writeFileSync(
    join(hob.plugins, 'adds.mjs'),
    `export default { name: 'adds', hookHints: 1, postConstruction: (id, state) => state.addMount('/not/there', '/mnt', 'bind') };`,
  );
  await untilTrue('both are there', () => /adds +module +ready[^]*prints +executable +ready/.test(hob.cli('plugins')));
  hob.drop('mounting', { command: runsForever, plugins: [{ name: 'adds' }, { name: 'prints' }] });
  const nowhere = 'the bind mount at "/mnt" has the source "/not/there", which is not there';
  await untilEvent(hob, 'default/mounting', 'HookFailed', /plugin adds, postConstruction: it answered false/);
  await untilEvent(
    hob,
    'default/mounting',
    'BadAnswer',
    new RegExp(`plugin prints, postConstruction: "mounts" in its answer: ${nowhere}`),
  );
  await expect.poll(() => hob.output()).toContain(`postConstruction of mounting: ${nowhere}`.replaceAll('"', '\\"'));
  hob.remove('mounting');
  await hob.until('mounting', 'is gone', (one) => one === undefined);
});

it('a file that nobody can execute is no plugin; who asks for it is told why', async () => {
  const path = join(hob.plugins, 'noexec');
  writeFileSync(path, 'echo no first line\n', { mode: 0o644 });
  expect(hob.tryCli('plugins', 'noexec')).toMatchObject({
    code: 1,
    stderr: `Error from server (NotFound): there is no plugin "noexec": ${path} is neither a module (.mjs, .js, .ts) nor executable; if it is a program: chmod +x ${path}\n`,
  });
});

it('an executable that floods both streams, as it runs and as it describes itself, costs neither hob nor the keeper much', async () => {
  const flood = `head -c 100000000 /dev/zero | tr '\\0'`;
  putProgram(
    'flood',
    `#!/bin/sh\n[ $1 = describe ] && { echo '{"name":"flood","hookHints":1}'; exit; }\n${flood} e >&2 &\n${flood} o; wait\n`,
  );
  putProgram('babble', `#!/bin/sh\n${flood} e >&2 &\n${flood} o; wait\n`);
  await untilTrue('babble is known to be broken', () => /babble.*broken/.test(hob.cli('plugins')));
  const keeper = keeperOf(hob);
  hob.drop('flooded', { command: runsForever, plugins: [{ name: 'flood' }] });
  await untilEvent(hob, 'default/flooded', 'BadAnswer', /plugin flood, postConstruction: .*more than 64 KiB/);
  hob.remove('flooded');
  await hob.until('flooded', 'is gone', (one) => one === undefined);
  expect(keeperOf(hob)).toBe(keeper);
  expect(peakMegabytes(keeper)).toBeLessThan(120);
});

function putProgram(name: string, text: string): void {
  writeFileSync(join(hob.dir, 'program.new'), text, { mode: 0o755 });
  renameSync(join(hob.dir, 'program.new'), join(hob.plugins, name));
}

const peakMegabytes = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
