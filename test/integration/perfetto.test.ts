import { once } from 'node:events';
import { chownSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { untilEvent } from '../support/faults.ts';
import { runsForever, type TestHob, testHob } from '../support/hob.ts';
import { nodeProgram } from '../support/node-in-container.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';
import { dropExample, shipPlugin } from '../support/shipped-plugins.ts';

const VARIABLE = 'PERFETTO_PRODUCER_SOCK_NAME';
const DEFAULT_PATH = '/tmp/perfetto-producer';

let server: Server | undefined;
/** A tracing daemon, as far as a connection goes: it says who it is, and ends. */
async function serve(path: string): Promise<void> {
  server = createServer((client) => client.end('this is the tracing daemon')).listen(path);
  await once(server, 'listening');
}

afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
});

const additionsFrom = (source: string) => ({
  env: [`${VARIABLE}=${DEFAULT_PATH}`],
  fds: [],
  mounts: [{ source, destination: DEFAULT_PATH, type: 'bind', options: ['bind', 'nosuid', 'noexec', 'nodev'] }],
});

describe('the plugin Perfetto, told where the socket is', () => {
  let bench: PluginBench;
  beforeEach(() => {
    bench = pluginBench();
  });
  afterEach(async () => {
    delete process.env[VARIABLE];
    await bench.dispose();
  });

  /** hob is started with this in its environment. */
  async function start(path: string): Promise<void> {
    process.env[VARIABLE] = path;
    shipPlugin('Perfetto', bench.folder);
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ name: 'Perfetto', hookHints: 1, state: 'ready' }]);
  }
  const postConstruction = (data: unknown = null) => bench.run('postConstruction', [use('Perfetto', { data })]);
  async function expectNothing(words: string): Promise<void> {
    expect(await postConstruction()).toEqual({ ok: true, failures: [], additions: { env: [], mounts: [], fds: [] } });
    await expect
      .poll(() => bench.logged)
      .toContainEqual(expect.stringContaining(`Perfetto: c1 runs without tracing: ${words}`));
  }

  it('takes it from there, and says where it is', async () => {
    const path = join(bench.dir, 'producer');
    await serve(path);
    chownSync(path, 1000, 1000);
    await start(path);
    expect((await postConstruction()).additions).toEqual(additionsFrom(path));
    expect(await postConstruction({})).toMatchObject({ ok: true });
  });

  it('adds nothing where there is no tracing daemon, and says so', async () => {
    const path = join(bench.dir, 'producer');
    await start(path);
    await expectNothing(`${path} is not there; is the tracing daemon running?`);
  });

  it('adds nothing where something else is in its place', async () => {
    const path = join(bench.dir, 'producer');
    writeFileSync(path, '');
    await start(path);
    await expectNothing(`${path} is not a socket`);
  });

  it('does not follow a link: it could lead to any socket', async () => {
    const [path, another] = [join(bench.dir, 'producer'), join(bench.dir, 'another-socket')];
    await serve(another);
    symlinkSync(another, path);
    await start(path);
    await expectNothing(`${path} is not a socket`);
  });

  it('wants an absolute path', async () => {
    await start('producer');
    await expectNothing('producer is not an absolute path');
  });

  it.each([
    ['x', 'data must be an object, not "x"'],
    [{ socket: '/x' }, 'data.socket is not a field of this plugin; it takes no data'],
  ])('refuses data, as it takes none: %j', async (data, message) => {
    await start(join(bench.dir, 'producer'));
    expect(await postConstruction(data)).toMatchObject({
      ok: false,
      failures: [{ reason: 'HookThrew', message: expect.stringContaining(message) }],
    });
  });
});

describe('a container with the plugin Perfetto', () => {
  // The daemon's own place is in /tmp, where this host may have one.
  let hob: TestHob;
  const startWith = async (env: Record<string, string>): Promise<void> => {
    hob = testHob({ env, privateTmp: true });
    shipPlugin('Perfetto', hob.plugins);
    await hob.start();
  };
  /** A path of hob's /tmp, for this test. */
  const onHost = (path: string): string => path.replace('/tmp', hob.tmp);
  const logsOf = (name: string) => hob.cli('logs', name).trim().split('\n');
  const plugins = [{ name: 'Perfetto' }];

  describe('on a host where nobody said where the socket is', () => {
    beforeAll(() => startWith({}));
    afterAll(() => hob.dispose());
    afterEach(() => rmSync(onHost(DEFAULT_PATH), { force: true }));

    /** What it has of the plugin. */
    async function addedTo(name: string): Promise<{ env: string[]; mounts: object[] }> {
      hob.drop(name, { command: runsForever, plugins });
      await hob.untilPhase(name, 'Running');
      const { process, mounts } = JSON.parse(
        readFileSync(join(hob.dir, 'run/instances', name, 'config.json'), 'utf8'),
      ) as { process: { env: string[] }; mounts: { destination: string }[] };
      return {
        env: process.env.filter((entry) => entry.startsWith(VARIABLE)),
        mounts: mounts.filter(({ destination }) => destination.startsWith('/tmp')),
      };
    }

    it('gets the socket of the tracing daemon in its usual place', async () => {
      await serve(onHost(DEFAULT_PATH));
      const { env, mounts } = additionsFrom(DEFAULT_PATH);
      expect(await addedTo('usual')).toEqual({ env, mounts });
    });

    it("does not get somebody's own socket in /tmp", async () => {
      await serve(onHost(DEFAULT_PATH));
      chownSync(onHost(DEFAULT_PATH), 1000, 1000);
      expect(await addedTo('foreign')).toEqual({ env: [], mounts: [] });
      const words = `${DEFAULT_PATH} belongs to user 1000; if it is the right one, say so: start hob with ${VARIABLE}=`;
      await expect.poll(() => hob.output()).toContain(`Perfetto: foreign runs without tracing: ${words}`);
    });

    it('does not start where its spec has another idea of the variable', async () => {
      await serve(onHost(DEFAULT_PATH));
      hob.drop('other', { command: runsForever, plugins, env: [{ name: VARIABLE, value: '/mine' }] });
      await untilEvent(hob, 'default/other', 'Conflict', /the spec and plugin Perfetto both add/);
    });

    it('does not start with data, as it takes none', async () => {
      hob.drop('mistaken', { command: runsForever, plugins: [{ name: 'Perfetto', data: { socket: '/x' } }] });
      await untilEvent(hob, 'default/mistaken', 'HookThrew', /data\.socket is not a field of this plugin/);
      const container = await hob.untilPhase('mistaken', 'Backoff');
      expect(container.status?.startedAt).toBeUndefined();
    });

    it('runs without where there is none: the example', async () => {
      dropExample(hob, 'perfetto');
      await hob.untilPhase('perfetto', 'Running');
      await expect.poll(() => logsOf('perfetto')).toEqual(['there is no tracing daemon']);
      await expect
        .poll(() => hob.output())
        .toContain(`Perfetto: perfetto runs without tracing: ${DEFAULT_PATH} is not there`);
    });
  });

  it('talks to the tracing daemon of the host, wherever that is', async () => {
    await startWith({ [VARIABLE]: '/tmp/traced' });
    try {
      await serve(onHost('/tmp/traced'));
      const program = `require('node:net').connect(process.env.${VARIABLE}).on('data', (chunk) => console.log(String(chunk)))`;
      hob.drop('traced', { ...nodeProgram(program), restartPolicy: 'Never', plugins });
      await hob.untilPhase('traced', 'Completed');
      expect(logsOf('traced')).toEqual(['this is the tracing daemon']);
      dropExample(hob, 'perfetto');
      await hob.untilPhase('perfetto', 'Running');
      await expect.poll(() => logsOf('perfetto')).toEqual([`the tracing daemon is at ${DEFAULT_PATH}`]);
    } finally {
      await hob.dispose();
    }
  });
});
