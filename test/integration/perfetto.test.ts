import { once } from 'node:events';
import { chownSync, existsSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type TestHob, testHob } from '../support/hob.ts';
import { nodeProgram } from '../support/node-in-container.ts';
import { type PluginBench, pluginBench, use } from '../support/plugins.ts';
import { dropExample, shipPlugin } from '../support/shipped-plugins.ts';

const VARIABLE = 'PERFETTO_PRODUCER_SOCK_NAME';
const DEFAULT_PATH = '/tmp/perfetto-producer';

if (existsSync(DEFAULT_PATH))
  throw new Error(`a tracing daemon of this host seems to use ${DEFAULT_PATH}; these tests would disturb it`);

let server: Server | undefined;
/** A tracing daemon, as far as a connection goes: it says who it is, and ends. */
async function serve(path: string): Promise<void> {
  server = createServer((client) => client.end('this is the tracing daemon')).listen(path);
  await once(server, 'listening');
}

afterEach(async () => {
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  rmSync(DEFAULT_PATH, { force: true });
});

describe('the plugin Perfetto', () => {
  let bench: PluginBench;
  beforeEach(() => {
    bench = pluginBench();
  });
  afterEach(async () => {
    delete process.env[VARIABLE];
    await bench.dispose();
  });

  /** hob is started with this in its environment. */
  async function start(path?: string): Promise<void> {
    if (path !== undefined) process.env[VARIABLE] = path;
    shipPlugin('Perfetto', bench.folder);
    await bench.registry.start();
    expect(bench.registry.list()).toMatchObject([{ name: 'Perfetto', hookHints: 1, state: 'ready' }]);
  }
  const postConstruction = (data: unknown = null) => bench.run('postConstruction', [use('Perfetto', { data })]);
  const additionsFrom = (source: string) => ({
    env: [`${VARIABLE}=${DEFAULT_PATH}`],
    fds: [],
    mounts: [{ source, destination: DEFAULT_PATH, type: 'bind', options: ['bind', 'nosuid', 'noexec', 'nodev'] }],
  });
  async function expectNothing(words: string): Promise<void> {
    expect(await postConstruction()).toEqual({ ok: true, failures: [], additions: { env: [], mounts: [], fds: [] } });
    await expect
      .poll(() => bench.logged)
      .toContainEqual(expect.stringContaining(`Perfetto: c1 runs without tracing: ${words}`));
  }

  it('mounts the socket of the tracing daemon, and says where it is', async () => {
    await serve(DEFAULT_PATH);
    await start();
    expect(await postConstruction()).toEqual({ ok: true, failures: [], additions: additionsFrom(DEFAULT_PATH) });
    expect(await postConstruction({})).toMatchObject({ ok: true });
  });

  it('takes it from where the environment of hob says', async () => {
    const path = join(bench.dir, 'producer');
    await serve(path);
    chownSync(path, 1000, 1000);
    await start(path);
    expect((await postConstruction()).additions).toEqual(additionsFrom(path));
  });

  it('adds nothing where there is no tracing daemon, and says so', async () => {
    await start();
    await expectNothing(`${DEFAULT_PATH} is not there; is the tracing daemon running?`);
  });

  it('adds nothing where something else is in its place', async () => {
    const path = join(bench.dir, 'producer');
    writeFileSync(path, '');
    await start(path);
    await expectNothing(`${path} is not a socket`);
  });

  it('does not follow a link: it could lead to any socket', async () => {
    await serve(join(bench.dir, 'another-socket'));
    symlinkSync(join(bench.dir, 'another-socket'), DEFAULT_PATH);
    await start();
    await expectNothing(`${DEFAULT_PATH} is not a socket`);
  });

  it("does not take somebody's own socket in /tmp, unless told to", async () => {
    await serve(DEFAULT_PATH);
    chownSync(DEFAULT_PATH, 1000, 1000);
    await start();
    await expectNothing(
      `${DEFAULT_PATH} belongs to user 1000; if it is the right one, say so: start hob with ${VARIABLE}=`,
    );
  });

  it('wants an absolute path', async () => {
    await start('producer');
    await expectNothing('producer is not an absolute path');
  });

  it.each([
    ['x', 'data must be an object, not "x"'],
    [{ socket: '/x' }, 'data.socket is not a field of this plugin; it takes no data'],
  ])('refuses data, as it takes none: %j', async (data, message) => {
    await start();
    expect(await postConstruction(data)).toMatchObject({
      ok: false,
      failures: [{ reason: 'HookThrew', message: expect.stringContaining(message) }],
    });
  });
});

describe('a container with the plugin Perfetto', () => {
  let hob: TestHob;
  async function start(env: Record<string, string>): Promise<void> {
    hob = testHob({ env });
    shipPlugin('Perfetto', hob.plugins);
    await hob.start();
  }
  afterEach(() => hob.dispose());

  const logsOf = (name: string) => hob.cli('logs', name).trim().split('\n');

  it('talks to the tracing daemon of the host', async () => {
    const path = join('/tmp', `hob-perfetto-${process.pid}`);
    onTestFinished(() => rmSync(path, { force: true }));
    await serve(path);
    await start({ [VARIABLE]: path });
    const program = `require('node:net').connect(process.env.${VARIABLE}).on('data', (chunk) => console.log(String(chunk)))`;
    hob.drop('traced', { ...nodeProgram(program), restartPolicy: 'Never', plugins: [{ name: 'Perfetto' }] });
    await hob.untilPhase('traced', 'Completed');
    expect(logsOf('traced')).toEqual(['this is the tracing daemon']);
    dropExample(hob, 'perfetto');
    await hob.untilPhase('perfetto', 'Running');
    await expect.poll(() => logsOf('perfetto')).toEqual([`the tracing daemon is at ${DEFAULT_PATH}`]);
  });

  it('runs without where there is none: the example', async () => {
    await start({});
    dropExample(hob, 'perfetto');
    await hob.untilPhase('perfetto', 'Running');
    await expect.poll(() => logsOf('perfetto')).toEqual(['there is no tracing daemon']);
    await expect
      .poll(() => hob.output())
      .toContain(`Perfetto: perfetto runs without tracing: ${DEFAULT_PATH} is not there`);
  });
});
