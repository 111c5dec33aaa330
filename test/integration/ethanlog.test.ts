import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keeperOf } from '../support/faults.ts';
import { runsForever, type TestHob, testHob, untilTrue } from '../support/hob.ts';
import { dropExample, shippedPlugins, shipPlugin } from '../support/shipped-plugins.ts';

interface Line {
  readonly time: string;
  readonly level?: string;
  readonly name: string;
  readonly message: string;
  readonly pid: number;
}

let hob: TestHob;
beforeEach(async () => {
  hob = testHob();
  shipPlugin('EthanLog', hob.plugins);
  copyFileSync(join(shippedPlugins, 'EthanLog/ethanlog-cat'), join(hob.rootfs, 'bin/ethanlog-cat'));
  chmodSync(join(hob.rootfs, 'bin/ethanlog-cat'), 0o755);
  await hob.start();
});
afterEach(() => hob.dispose());

const stateDir = (): string => join(hob.dir, 'state/plugins/EthanLog');
const fileOf = (id: string): string => join(stateDir(), 'records', `${id}.jsonl`);
const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const recordsOf = (id: string): Line[] => (existsSync(fileOf(id)) ? linesOf(readFileSync(fileOf(id), 'utf8')) : []);
const messagesOf = (id: string): string[] => recordsOf(id).map(({ message }) => message);

/** A container that runs a line of shell with the plugin. */
function drop(name: string, script: string, data: object = {}, more: object = {}): void {
  hob.drop(name, {
    command: ['/bin/sh', '-c', script],
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    plugins: [{ name: 'EthanLog', data }],
    ...more,
  });
}

const untilRecord = (id: string, message: string): Promise<void> =>
  untilTrue(
    `${id} has a record ${message}`,
    () => messagesOf(id).includes(message),
    () => `${messagesOf(id).slice(-5).join('\n')}\n${hob.output().slice(-3000)}`,
  );

/** What the script of a container waits for. */
const writeGo = (root: string): void => writeFileSync(join(root, 'go'), '');

const untilPhase = (name: string, phase: string) => hob.untilPhase(name, phase);

/** 0, 1, 2, ... as far as it came. */
const count = (upTo: number | string, pause = ''): string =>
  `i=0; while [ $i -lt ${upTo} ]; do echo "$i"; i=$((i+1)); ${pause} done`;

const numbers = (length: number): string[] => Array.from({ length }, (_, n) => String(n));

it('records of ethanlog-cat are there for hob logs, with level, name and pid of the host', async () => {
  const script = `printf '%s\\n' hello '<2>bad' '<5>detail' | ethanlog-cat -p milestone; ${runsForever[2]}`;
  drop('web', script, { name: 'shop', loglevels: ['error', 'milestone'] });
  await untilRecord('web', 'bad');
  const { status } = await untilPhase('web', 'Running');
  const shown = linesOf(hob.cli('logs', '--ethanlog', 'web'));
  expect(shown).toMatchObject([
    { level: 'milestone', priority: 5, name: 'shop', message: 'hello', file: 'stdout' },
    { level: 'error', priority: 3, name: 'shop', message: 'bad' },
  ]);
  expect(Math.abs(Date.parse(shown[0]?.time ?? '') - Date.now())).toBeLessThan(60_000);
  for (const { pid } of shown) expect(pid).toBeGreaterThanOrEqual(status?.pid ?? Infinity);
  expect(hob.cli('logs', '--plugin', 'EthanLog', '--tail', '1', 'web')).toContain('"message":"bad"');
});

it('a record has the pid of the host of the very process that wrote it', async () => {
  drop('web', `{ echo hello; while true; do sleep 0.1; done; } | ethanlog-cat & ${runsForever[2]}`);
  await untilRecord('web', 'hello');
  const { status } = await untilPhase('web', 'Running');
  const [record] = recordsOf('web');
  expect(record?.pid).not.toBe(status?.pid);
  expect(readFileSync(`/proc/${record?.pid}/cmdline`, 'latin1')).toContain('ethanlog-cat');
});

it('a container in a user namespace of its own writes to the pipe as any other', async () => {
  chmodSync(hob.dir, 0o711);
  drop('web', 'echo hello | ethanlog-cat', {}, { userNamespace: { hostUID: 100000, hostGID: 100000, size: 65536 } });
  await untilRecord('web', 'hello');
  await untilPhase('web', 'Completed');
});

it('nothing is lost when a container writes its last records and ends at once', async () => {
  drop('web', `{ ${count(500)}; } | ethanlog-cat`);
  await untilPhase('web', 'Completed');
  expect(messagesOf('web')).toEqual(numbers(500));
});

it('nothing is lost when hob is killed while a container writes on', async () => {
  drop('web', `{ ${count(400, 'sleep 0.01;')}; } | ethanlog-cat`);
  for (const last of ['20', '120', '220']) {
    await untilRecord('web', last);
    await hob.kill();
    await hob.start();
  }
  await untilPhase('web', 'Completed');
  // One that was written down when hob died, and not yet taken from the pipe, is there twice.
  expect([...new Set(messagesOf('web'))]).toEqual(numbers(400));
});

/** The next one has taken over when hob says so. */
async function killKeeper(): Promise<void> {
  const takeovers = (): number => hob.output().split('has taken over').length;
  const before = takeovers();
  process.kill(keeperOf(hob), 'SIGKILL');
  await untilTrue('another keeper has taken over', () => takeovers() > before);
}

const nothing = async (): Promise<void> => undefined;
const restartHob = async (): Promise<void> => {
  await hob.kill();
  await hob.start();
};

it.each([
  ['the container ends while there is no hob', nothing],
  ['the keeper is killed, and then the container ends while there is no hob', killKeeper],
  [
    'hob and then its keeper are killed, and then the container ends while there is no hob',
    async () => {
      await restartHob();
      await killKeeper();
    },
  ],
])('nothing is lost when %s', async (_, before) => {
  drop(
    'web',
    `{ ${count(1)}; while [ ! -e /tmp/go ]; do sleep 0.01; done; ${count(300)}; } | ethanlog-cat; touch /tmp/done`,
  );
  const { status } = await hob.untilPhase('web', 'Running');
  await untilRecord('web', '0');
  const root = `/proc/${status?.pid}/root/tmp`;
  await before();
  await hob.kill();
  writeGo(root);
  await untilTrue('the container ended', () => !existsSync(`/proc/${status?.pid}/root/tmp`));
  await hob.start();
  await untilPhase('web', 'Completed');
  const said = messagesOf('web');
  expect(said.slice(-301)).toEqual(['0', ...numbers(300)]);
  // The first may be there twice: it may not have been taken from the pipe yet when hob died.
  expect(said.length).toBeLessThanOrEqual(302);
});

it('nothing is lost when the keeper is killed', async () => {
  drop('web', `{ ${count(200, 'sleep 0.01;')}; } | ethanlog-cat`);
  await untilRecord('web', '10');
  process.kill(Number(readFileSync(join(hob.dir, 'run/keeper.pid'), 'utf8')), 'SIGKILL');
  await untilRecord('web', '199');
  await untilPhase('web', 'Completed');
  expect(messagesOf('web')).toEqual(numbers(200));
});

it('a burst waits in the pipe for a reader that is slow, and the writer waits for nobody', async () => {
  drop(
    'web',
    `{ echo begun; while [ ! -e /tmp/go ]; do sleep 0.01; done; ${count(4000)}; } | ethanlog-cat; touch /tmp/done; ${runsForever[2]}`,
  );
  await untilRecord('web', 'begun');
  const { status } = await hob.untilPhase('web', 'Running');
  const root = `/proc/${status?.pid}/root/tmp`;
  process.kill(hob.pid, 'SIGSTOP');
  try {
    writeGo(root);
    await untilTrue('all is written', () => existsSync(join(root, 'done')));
  } finally {
    process.kill(hob.pid, 'SIGCONT');
  }
  await untilRecord('web', '3999');
  expect(messagesOf('web')).toEqual(['begun', ...numbers(4000)]);
});

interface Listed {
  readonly name: string;
  readonly version: string;
  readonly state: string;
}

const plugin = (): Listed | undefined =>
  (JSON.parse(hob.cli('plugins', '-o', 'json')) as { items: Listed[] }).items.find(({ name }) => name === 'EthanLog');

/** In place of what there is of the plugin, a copy with more in one of its files. Resolves when hob has it. */
async function putVersion(file: string, more: string): Promise<void> {
  const before = plugin()?.version;
  const [copy, place] = [join(hob.dir, 'copy'), join(hob.plugins, 'EthanLog')];
  cpSync(join(shippedPlugins, 'EthanLog'), copy, { recursive: true });
  appendFileSync(join(copy, file), more);
  rmSync(place, { recursive: true });
  renameSync(copy, place);
  const isReady = (found = plugin()): boolean => found?.state === 'ready' && found.version !== before;
  await untilTrue('this version is ready', isReady, hob.output);
}

/** A version whose thread ends when there is this file. */
const putMortal = (order: string): Promise<void> =>
  putVersion(
    'levels.ts',
    `import { existsSync, rmSync } from 'node:fs';
setInterval(() => { if (existsSync('${order}')) { rmSync('${order}'); process.exit(1); } }, 20);
`,
  );

async function threadDies(order: string): Promise<void> {
  writeFileSync(order, '');
  await untilTrue('the thread has died', () => !existsSync(order));
}

const events = (name: string): string => hob.cli('events', name);

it('a new version of the plugin leaves the pipes of those that run to the version that made them', async () => {
  drop(
    'web',
    `{ ${count(1)}; while [ ! -e /tmp/go ]; do sleep 0.01; done; ${count(300, 'sleep 0.01;')}; } | ethanlog-cat`,
  );
  await untilRecord('web', '0');
  const { status } = await hob.untilPhase('web', 'Running');
  await putVersion('index.ts', '\n// Another version.\n');
  writeGo(`/proc/${status?.pid}/root/tmp`);
  await untilPhase('web', 'Completed');
  expect(messagesOf('web')).toEqual(['0', ...numbers(300)]);
  drop('next', 'echo hello | ethanlog-cat');
  await untilRecord('next', 'hello');
});

it('nothing is lost when the thread of the plugin dies', async () => {
  const order = join(hob.dir, 'die');
  await putMortal(order);
  drop('web', `{ ${count(300, 'sleep 0.01;')}; } | ethanlog-cat`);
  await untilRecord('web', '20');
  await threadDies(order);
  await untilPhase('web', 'Completed');
  const said = /the thread of a plugin came to its end: .*exit code 1; containers need it, so it is started/;
  await untilTrue('hob says that the thread died', () => said.test(hob.output()), hob.output);
  expect([...new Set(messagesOf('web'))]).toEqual(numbers(300));
});

it('when the version dies that a container was made with, the next reads on, though it was there before', async () => {
  const order = join(hob.dir, 'die');
  await putMortal(order);
  drop('web', `{ ${count(300, 'sleep 0.01;')}; } | ethanlog-cat; ${runsForever[2]}`);
  await untilRecord('web', '20');
  await putVersion('index.ts', '\n// Another version.\n');
  // Its thread has found the pipe in use: this container needs it, so it stays.
  drop('next', `echo hello | ethanlog-cat; ${runsForever[2]}`);
  await untilRecord('next', 'hello');
  await threadDies(order);
  await untilRecord('web', '299');
  expect([...new Set(messagesOf('web'))]).toEqual(numbers(300));
  hob.remove('web');
  await hob.until('web', 'is gone', (container) => container === undefined);
  expect(events('web')).toMatch(/PluginChanged.*EthanLog, preDestruction/);
});

it('a plugin that was changed while there was no hob reads on, and the container has an event that says so', async () => {
  drop('web', `{ ${count(200, 'sleep 0.01;')}; } | ethanlog-cat; ${runsForever[2]}`);
  await untilRecord('web', '20');
  await hob.kill();
  rmSync(join(hob.plugins, 'EthanLog'));
  cpSync(join(shippedPlugins, 'EthanLog'), join(hob.plugins, 'EthanLog'), { recursive: true });
  await hob.start();
  await untilRecord('web', '199');
  hob.remove('web');
  await hob.until('web', 'is gone', (container) => container === undefined);
  expect(events('web')).toMatch(/PluginChanged.*EthanLog, preDestruction/);
});

it('hob logs --ethanlog -f shows what comes, and ends with the container', async () => {
  drop('web', `{ ${count(30, 'sleep 0.05;')}; } | ethanlog-cat`);
  await untilRecord('web', '0');
  const shown = linesOf(hob.cli('logs', '--ethanlog', '-f', 'web'));
  expect(shown.map(({ message }) => message)).toEqual(numbers(30));
});

it('two containers that write at once keep apart', async () => {
  for (const name of ['one', 'two']) drop(name, `{ ${count(1500)}; } | ethanlog-cat`);
  await Promise.all(['one', 'two'].map((name) => untilPhase(name, 'Completed')));
  for (const name of ['one', 'two']) {
    expect(messagesOf(name)).toEqual(numbers(1500));
    expect(new Set(recordsOf(name).map((line) => line.name))).toEqual(new Set([name]));
  }
});

it('records are there after a restart of the container, and gone when it is removed, as is its pipe', async () => {
  drop('web', 'echo hello | ethanlog-cat; sleep 0.1; exit 1', {}, { restartPolicy: 'OnFailure' });
  await untilTrue('it was started again', () => messagesOf('web').length >= 2);
  hob.remove('web');
  await hob.until('web', 'is gone', (container) => container === undefined);
  expect(readdirSync(join(stateDir(), 'pipes'))).toEqual([]);
  expect(readdirSync(join(stateDir(), 'records'))).toEqual([]);
});

it('a container whose levels are none writes into the void', async () => {
  drop('web', 'echo hello | ethanlog-cat && echo fine', { loglevels: [] });
  await untilPhase('web', 'Completed');
  expect(hob.cli('logs', 'web')).toBe('fine\n');
  expect(hob.tryCli('logs', '--ethanlog', 'web').stderr).toContain('there are no records');
});

it('a limit of the rate holds back a flood', async () => {
  drop('web', `{ ${count(1000)}; sleep 2; echo last; } | ethanlog-cat`, { rateLimit: { rate: 1, burstSize: 10 } });
  await untilPhase('web', 'Completed');
  const told = messagesOf('web');
  const gap = /^(\d+) records were dropped in .* s: the limit is 1 a second, 10 at once$/;
  const gaps = told.flatMap((message) => gap.exec(message)?.[1] ?? []);
  expect(told.slice(0, 10)).toEqual(numbers(10));
  expect(told.length).toBeLessThan(200);
  expect(gaps.reduce((sum, count) => sum + Number(count), 0)).toBe(1001 - (told.length - gaps.length));
});

it('wrong data keeps a container from starting, with the field and its type', async () => {
  drop('web', 'true', { loglevels: 'info' });
  const container = await hob.until('web', 'failed', (one) => JSON.stringify(one?.status ?? {}).includes('loglevels'));
  expect(JSON.stringify(container?.status)).toContain('data.loglevels must be a list of strings');
});

it('hob logs says in words why there are no records', async () => {
  hob.drop('plain', { command: runsForever });
  await hob.untilPhase('plain', 'Running');
  expect(hob.tryCli('logs', '--ethanlog', 'plain')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('container "plain" does not use the plugin EthanLog: its spec names no plugins'),
  });
  drop('quiet', runsForever[2] ?? '');
  await hob.untilPhase('quiet', 'Running');
  expect(hob.tryCli('logs', '--ethanlog', 'quiet')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there are no records of the plugin EthanLog of container "quiet" yet'),
  });
  expect(hob.tryCli('logs', '--ethanlog', '--previous', 'plain').stderr).toContain('--previous does not go with');
  expect(hob.tryCli('logs', '-o', 'json', 'plain').stderr).toContain('add --plugin');
});

it('the example writes what it promises', async () => {
  dropExample(hob, 'ethanlog');
  await untilTrue('there are records', () => recordsOf('ethanlog').length >= 2);
  expect(recordsOf('ethanlog')).toMatchObject([
    { level: 'milestone', name: 'example', message: 'a new round' },
    { level: 'info', name: 'example', message: expect.stringMatching(/^it is /) },
  ]);
  hob.remove('ethanlog');
  await hob.until('ethanlog', 'is gone', (container) => container === undefined);
});
